import type { RunningBridge } from './running-bridge.ts';

/** The address of the admin server of a bridge, without a slash at its end. */
export async function adminUrl(bridge: RunningBridge): Promise<string> {
  await bridge.url();
  const line = bridge.log.find((each) => each.includes('The admin server is ready')) ?? '{}';
  return String((JSON.parse(line) as { url?: string }).url).replace(/\/$/, '');
}

/** The metrics of a bridge as text. */
export async function scrape(bridge: RunningBridge): Promise<string> {
  const response = await fetch(`${await adminUrl(bridge)}/metrics`);
  if (!response.ok) throw new Error(`/metrics answers ${response.status}.`);
  return response.text();
}
