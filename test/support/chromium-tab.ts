import type { Readable, Writable } from 'node:stream';
import { startChromium } from './chromium.ts';

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly sessionId?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

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

/** Starts Chromium with a tab as wide as a phone. Ends with the test. */
export async function startTab({ width = 390, height = 844 } = {}): Promise<ChromiumTab> {
  const browser = startChromium('about:blank', '--remote-debugging-pipe');
  const [, , , input, output] = browser.stdio as unknown as [null, null, null, Writable, Readable];
  const waiting = new Map<number, { resolve(value: never): void; reject(error: Error): void }>();
  const listeners = new Set<(message: Message) => void>();
  let rest = '';
  output.setEncoding('utf8').on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\0');
    rest = parts.pop() ?? '';
    for (const part of parts) {
      const message = JSON.parse(part) as Message;
      const call = waiting.get(message.id ?? -1);
      waiting.delete(message.id ?? -1);
      if (message.error !== undefined) call?.reject(new Error(message.error.message));
      else call?.resolve(message.result as never);
      for (const listener of listeners) listener(message);
    }
  });
  let last = 0;
  let sessionId: string | undefined;
  const send = (method: string, params: object = {}): Promise<Record<string, never>> => {
    const id = (last += 1);
    input.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
  };
  const next = (matches: (message: Message) => boolean): Promise<Message> =>
    new Promise((resolve) => {
      const listener = (message: Message): void => {
        if (!matches(message)) return;
        listeners.delete(listener);
        resolve(message);
      };
      listeners.add(listener);
    });

  const { targetId } = await send('Target.createTarget', { url: 'about:blank' });
  ({ sessionId } = await send('Target.attachToTarget', { targetId, flatten: true }));
  await send('Page.enable');
  await send('Network.enable');
  await send('Emulation.setScriptExecutionDisabled', { value: true });
  await send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 2, mobile: true });

  const evaluate = async (expression: string): Promise<unknown> => {
    const { result } = await send('Runtime.evaluate', { expression, returnByValue: true });
    return (result as { readonly value?: unknown } | undefined)?.value;
  };
  const loaded = (): Promise<Message> => next(({ method }) => method === 'Page.loadEventFired');

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
      return Buffer.from(data as unknown as string, 'base64');
    },
    async frames() {
      const { frameTree } = await send('Page.getFrameTree');
      const { childFrames = [] } = frameTree as unknown as {
        readonly childFrames?: readonly { readonly frame: { readonly url: string } }[];
      };
      return childFrames.map(({ frame }) => frame.url);
    },
  };
}
