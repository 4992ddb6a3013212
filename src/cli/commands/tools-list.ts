import type { View } from '../../app/app.ts';
import type { ViewConfig } from '../../config/views.ts';
import type { ListedTool, PublishedTool, Registry, WithheldTool } from '../../model/registry.ts';
import type { Cost } from '../../model/status.ts';
import { exceededLimits, toolCost, totalCost } from '../../registry/cost.ts';
import { furtherNotes } from '../../registry/notes.ts';
import { settingOf } from '../../registry/rules.ts';
import { CALL_TOOL_NAMES } from '../../tasks/call-tools.ts';
import { listedTools } from '../../view/tool-list.ts';
import { manifestLines, manifestSummary, staleLines } from '../command-app.ts';
import { table } from '../layout.ts';
import { count, type Output } from '../output.ts';
import { type CommandContext, withView } from '../session.ts';
import { costText, handOffSetting, number, origin, type ToolsOptions, unusableTools } from '../tool-texts.ts';

export function run(context: CommandContext, options: ToolsOptions): Promise<number> {
  return withView(context, options.view, ({ app, registry, view, config }) => {
    const { output } = context;
    const { listing, stale } = app.status();
    const problems = listing?.problems ?? [];
    const shown = view.tools.current()?.tools ?? [];
    const published = listedTools(registry, config);
    const total = { tools: published.length, ...totalCost(published) };
    const seen = { mode: view.mode, tools: shown.length, ...totalCost(shown) };
    const warnings = sizeWarnings(seen, view.mode, config);
    const value = {
      view: view.name,
      tools: registry.tools.map((tool, index) => summary(tool, published[index] ?? tool)),
      withheld: registry.withheld.map(withheldSummary),
      notes: registry.notes,
      problems,
      stale,
      manifests: app.manifests().map(manifestSummary),
      total,
      shown: seen,
      warnings,
    };
    output.data(
      value,
      () => `${listingText(registry, published, total, output)}${output.prose(callToolsText(config))}`,
    );
    const reported = new Set(stale.map(({ message }) => message));
    for (const { message } of problems) if (!reported.has(message)) output.warn(message);
    for (const line of [...staleLines(stale), ...manifestLines(app.manifests())]) output.warn(line);
    if (view.mode === 'search') {
      output.note(`Mode search: a client sees ${count(seen.tools, 'tool')} instead, ${costText(seen)}.`);
    }
    for (const message of warnings) output.warn(message);
    return 0;
  });
}

/** Returns a line about the bridge's own tools if the view has them. */
function callToolsText(config: ViewConfig): string {
  const names = [...CALL_TOOL_NAMES].join(' and ');
  const setting = handOffSetting(config);
  return setting === undefined ? '' : `\nAlso listed, because ${setting} is on: ${names}.`;
}

/** Returns what is too large for a client, and how to reduce it. */
function sizeWarnings(
  { tools, tokens }: Cost & { readonly tools: number },
  mode: View['mode'],
  config: ViewConfig,
): string[] {
  const limits = exceededLimits(tools).map((limit) => `${limit.client} (${limit.tools})`);
  const remedy =
    mode === 'search'
      ? `Make ${settingOf(config, 'pinned')} match less.`
      : `Narrow ${settingOf(config, 'allow')} or ${settingOf(config, 'deny')}, or set ${config.at?.['mode'] ?? 'tools.mode'} to search.`;
  const warnings: string[] = [];
  if (limits.length > 0) {
    warnings.push(`${count(tools, 'tool')}: more than some clients accept: ${limits.join(', ')}. ${remedy}`);
  }
  const budget = config.auto.tokens;
  if (tokens > budget) {
    const setting = `${config.at?.['auto'] ?? 'tools.auto'}.tokens`;
    warnings.push(
      `About ${number(tokens)} tokens of every conversation: more than ${number(budget)} (${setting}). ${remedy}`,
    );
  }
  return warnings;
}

function summary({ name, title, ref, authorized }: PublishedTool, listed: ListedTool) {
  return { name, title, dify: ref, authorized, cost: toolCost(listed) };
}

function withheldSummary({ name, title, ref, reason, detail }: WithheldTool) {
  return { name, title, dify: ref, reason, detail };
}

function listingText(
  registry: Registry,
  published: readonly ListedTool[],
  total: Cost,
  output: Output,
): string {
  const list =
    registry.tools.length === 0 ? 'No tool is published.' : publishedTable(registry, published, output);
  const blocks = [list];
  if (registry.withheld.length > 0) {
    const rows = registry.withheld.map(({ name, reason, detail }) => [
      name,
      reason,
      detail.split('\n')[0] ?? '',
    ]);
    blocks.push(
      `${output.prose('Not published (dify-mcp-bridge tools explain NAME says more):')}\n${table(rows, { width: output.width, omit: [1] })}`,
    );
  }
  const notes = furtherNotes(registry, 1);
  if (notes.length > 0) {
    blocks.push(
      output.prose(['Notes:', ...notes.map(({ name, message }) => `- ${name}: ${message}`)].join('\n')),
    );
  }
  const cost = `${count(published.length, 'tool')} published, ${registry.withheld.length} not published. In all ${costText(total)}.`;
  blocks.push(output.prose([cost, ...unusableTools(registry)].join('\n')));
  return blocks.join('\n\n');
}

function publishedTable({ tools }: Registry, published: readonly ListedTool[], output: Output): string {
  const costs = published.map(toolCost);
  const cells = (head: string, part: keyof Cost): string[] => {
    const texts = [head, ...costs.map((cost) => number(cost[part]))];
    const width = Math.max(...texts.map((text) => text.length));
    return texts.map((text) => text.padStart(width));
  };
  const bytes = cells('BYTES', 'bytes');
  const tokens = cells('~TOKENS', 'tokens');
  const rows = tools.map(({ name, title, ref, authorized }, index) => [
    name,
    bytes[index + 1] ?? '',
    tokens[index + 1] ?? '',
    `${title}${authorized ? '' : output.paint('yellow', ' (no credentials)')}`,
    origin(ref),
  ]);
  const head = ['NAME', bytes[0] ?? '', tokens[0] ?? '', 'TITLE', 'IN DIFY'];
  return table([head, ...rows], { width: output.width, omit: [4, 1, 2] });
}
