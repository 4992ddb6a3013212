import type { Chromium, DevToolsMessage } from './chromium.ts';

/** Whether a page has loaded that does not lead on by itself. A page that is being replaced is empty for a moment. */
const STAYS = `document.readyState === 'complete' && document.querySelector('meta[http-equiv=refresh]') === null`;

/** A tab of a real Chromium in which pages run no JavaScript. */
export interface ChromiumTab {
  /** Opens an address, and resolves when the page has loaded. */
  open(url: string): Promise<void>;
  /** Resolves with the value of an expression in the page. */
  evaluate(expression: string): Promise<unknown>;
  /** Types into the field with a name, as a keyboard does. */
  type(name: string, text: string): Promise<void>;
  /** Clicks the button with a value, and resolves when the next page that stays has loaded. */
  click(value: string): Promise<void>;
  /** Resolves when the tab has been led to an address that begins so. */
  ledTo(prefix: string): Promise<string>;
  /** Returns a picture of the whole page as PNG. */
  picture(): Promise<Buffer>;
  /** The addresses of the frames in the page that could be loaded. */
  frames(): Promise<readonly string[]>;
}

/** Opens a tab as wide as a phone. */
export async function startTab(chromium: Chromium, { width = 390, height = 844 } = {}): Promise<ChromiumTab> {
  const { send, listen } = await chromium.tab();
  const next = (matches: (message: DevToolsMessage) => boolean): Promise<DevToolsMessage> =>
    new Promise((resolve) => {
      const stop = listen((message) => {
        if (!matches(message)) return;
        stop();
        resolve(message);
      });
    });

  await send('Page.enable');
  await send('Network.enable');
  await send('Emulation.setScriptExecutionDisabled', { value: true });
  await send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 2, mobile: true });

  const evaluate = async (expression: string): Promise<unknown> => {
    const { result } = await send('Runtime.evaluate', { expression, returnByValue: true });
    return (result as { readonly value?: unknown } | undefined)?.value;
  };
  const loaded = (): Promise<DevToolsMessage> => next(({ method }) => method === 'Page.loadEventFired');

  return {
    evaluate,
    async open(url) {
      const load = loaded();
      await send('Page.navigate', { url });
      await load;
    },
    async type(name, text) {
      await evaluate(`document.querySelector('[name=${name}]').focus()`);
      await send('Input.insertText', { text });
    },
    async click(value) {
      let load = loaded();
      await evaluate(`document.querySelector('button[value=${value}]').click()`);
      let stays: unknown = false;
      while (stays !== true) {
        await load;
        // Before the question, because the next page may load while it is answered.
        load = loaded();
        stays = await evaluate(STAYS);
      }
    },
    async ledTo(prefix) {
      let led = '';
      await next(({ method, params }) => {
        const request = params?.['request'] as { readonly url: string } | undefined;
        if (method === 'Network.requestWillBeSent') led = request?.url ?? '';
        return led.startsWith(prefix);
      });
      return led;
    },
    async picture() {
      const { data } = await send('Page.captureScreenshot', { format: 'png', captureBeyondViewport: true });
      return Buffer.from(data as string, 'base64');
    },
    async frames() {
      const { frameTree } = await send('Page.getFrameTree');
      const { childFrames = [] } = frameTree as {
        readonly childFrames?: readonly { readonly frame: { readonly url: string } }[];
      };
      return childFrames.map(({ frame }) => frame.url);
    },
  };
}
