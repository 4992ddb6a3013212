import { usedRoad } from '../config/connection.ts';
import type { Config } from '../config/schema.ts';
import type { ViewConfig } from '../config/views.ts';
import { BridgeError } from '../model/errors.ts';
import type { PublishedTool, Registry } from '../model/registry.ts';
import type { ToolRef } from '../model/tool.ts';
import type { Cost } from '../model/status.ts';
import { unknownTool as notInList } from '../registry/unknown-tool.ts';
import { count, type Output } from './output.ts';
import { type Session, warnOfUnlisted } from './session.ts';

export interface ToolsOptions {
  readonly view?: string | undefined;
}

/** Returns the setting that enables hand-off for a view; undefined if it is off. */
export function handOffSetting({ handOff, at }: ViewConfig): string | undefined {
  return handOff.after === 'off' ? undefined : (at?.['handOff'] ?? 'tools.handOff');
}

/** Returns how a tool is called and whose credentials it uses, if an account calls it. */
export function accountLines({ sandbox, dify }: Config, tool: PublishedTool | undefined): readonly string[] {
  if (tool === undefined || sandbox !== undefined || usedRoad(dify) === 'inner') return [];
  const who = dify.adminApiKey === undefined ? dify.email : "the workspace's owner (admin key)";
  const lines = [`Called by the account road, as ${who}.`];
  if (tool.credentialId === undefined && tool.ref.providerType === 'builtin') {
    lines.push(
      "Its preset chooses no credential: Dify uses the provider's default one, else its oldest, even if it is a colleague's.",
    );
  }
  return lines;
}

/** Returns the limits on the calls of a tool. */
export function limitLines(
  { calls }: Config,
  { limits }: ViewConfig,
  tool: PublishedTool | undefined,
): readonly string[] {
  if (tool === undefined) return [];
  const most = (running: number | undefined, rate: number): string =>
    `${running ?? calls.maxConcurrent} at once and ${number(rate)} a minute`;
  const { callsPerProvider, ratePerProvider, callsPerView, ratePerView, ratePerPrincipal } = limits;
  return [
    `Calls: at most ${most(callsPerProvider, ratePerProvider)} of ${tool.providerLabel}, ${most(callsPerView, ratePerView)} of the view, ${number(ratePerPrincipal)} a minute of each client.`,
  ];
}

/** Returns the error for a name that is not published, with the reason or similar names. */
export function unknownTool(session: Session, output: Output, name: string): BridgeError {
  const { registry } = session;
  const withheld = registry.withheld.find((tool) => tool.name === name);
  if (withheld !== undefined) {
    return new BridgeError('tool_not_found', `${name} is not published (${withheld.reason}).`, {
      hint: withheld.detail,
    });
  }
  warnOfUnlisted(session, output);
  return notInList(registry, name, new Map(), {
    definition: 'dify-mcp-bridge tools show',
    others: 'See dify-mcp-bridge tools list.',
  });
}

export function origin({ providerType, providerId, tool }: ToolRef): string {
  return `${providerType} ${providerId} ${tool}`;
}

export function costText({ bytes, tokens }: Cost): string {
  return `${number(bytes)} bytes, about ${number(tokens)} tokens`;
}

export function number(value: number): string {
  return value.toLocaleString('en-US');
}

/** Returns a line on the tools that cannot work, by provider. */
export function unusableTools({ tools }: Pick<Registry, 'tools'>): readonly string[] {
  const byProvider = new Map<string, number>();
  for (const { authorized, providerLabel } of tools) {
    if (!authorized) byProvider.set(providerLabel, (byProvider.get(providerLabel) ?? 0) + 1);
  }
  if (byProvider.size === 0) return [];
  const providers = [...byProvider].sort((a, b) => b[1] - a[1]).map(([label, tools]) => `${label} ${tools}`);
  const total = [...byProvider.values()].reduce((sum, each) => sum + each, 0);
  const [are, of] = [total === 1 ? 'tool is' : 'tools are', count(byProvider.size, 'provider')];
  return [`${total} ${are} not usable yet, of ${of} without credentials in Dify: ${providers.join(', ')}.`];
}
