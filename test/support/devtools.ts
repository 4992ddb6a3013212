import type { Chromium } from './chromium.ts';

/** A page that a test opened in Chromium and looks into. */
export interface OpenedPage {
  /** The addresses that the page requested, and what its console says, such as violations of its policy. */
  readonly requests: readonly string[];
  readonly complaints: readonly string[];
  /** Resolves with the value of an expression in the page. */
  evaluate(expression: string): Promise<unknown>;
}

/** Opens an address in a tab of this width. Resolves when it has loaded. */
export async function openPage(
  chromium: Chromium,
  url: string,
  width: number,
  headers: Record<string, string> = {},
): Promise<OpenedPage> {
  const { send, listen } = await chromium.tab();
  const requests: string[] = [];
  const complaints: string[] = [];
  let isLoaded = (): void => undefined;
  const loaded = new Promise<void>((resolve) => (isLoaded = resolve));
  let isOpening = false;
  listen(({ method, params = {} }) => {
    if (method === 'Page.loadEventFired' && isOpening) isLoaded();
    if (method === 'Network.requestWillBeSent') requests.push((params['request'] as { url: string }).url);
    if (method === 'Log.entryAdded') complaints.push((params['entry'] as { text: string }).text);
    if (method === 'Runtime.exceptionThrown') complaints.push(JSON.stringify(params));
  });
  for (const domain of ['Page', 'Network', 'Log', 'Runtime']) await send(`${domain}.enable`);
  await send('Network.setExtraHTTPHeaders', { headers });
  const size = { width, height: 900, deviceScaleFactor: 1, mobile: width < 600 };
  await send('Emulation.setDeviceMetricsOverride', size);
  isOpening = true;
  await send('Page.navigate', { url });
  await loaded;
  return {
    requests,
    complaints,
    async evaluate(expression) {
      const { result } = await send('Runtime.evaluate', { expression, returnByValue: true });
      return (result as { value?: unknown }).value;
    },
  };
}
