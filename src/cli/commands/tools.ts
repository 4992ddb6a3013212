import type { View } from '../../app/app.ts';
import { DEFAULT_VIEW, type ViewConfig, viewsOf } from '../../config/views.ts';
import { CALL_TOOL_NAMES } from '../../tasks/call-tools.ts';
import { BridgeError } from '../../model/errors.ts';
import type { PublishedTool, Registry, WithheldTool } from '../../model/registry.ts';
import type { ToolRef } from '../../model/tool.ts';
import { exceededLimits, type ToolCost, toolCost, totalCost } from '../../registry/cost.ts';
import { explainTool, similarNames } from '../../registry/explain.ts';
import { furtherNotes } from '../../registry/notes.ts';
import { settingOf } from '../../registry/rules.ts';
import { count, type Output, table } from '../output.ts';
import { manifestLines, manifestSummary, staleLines } from '../command-app.ts';
import { type CommandContext, type Session, warnOfProblems, withTools } from '../session.ts';

/** Options of the commands on tools. */
export interface ToolsOptions {
  /** `--view`. */
  readonly view?: string | undefined;
}

/** `tools list`: what a view publishes, what it costs, and what is withheld. */
export function listTools(context: CommandContext, options: ToolsOptions = {}): Promise<number> {
  return withView(context, options, ({ app, registry, view, config }) => {
    const { output } = context;
    const { listing, stale } = app.status();
    const problems = listing?.problems ?? [];
    const shown = view.tools.current()?.tools ?? [];
    const total = { tools: registry.tools.length, ...totalCost(registry.tools) };
    const seen = { mode: view.mode, tools: shown.length, ...totalCost(shown) };
    const warnings = sizeWarnings(seen, view.mode, config);
    const value = {
      view: view.name,
      tools: registry.tools.map(summary),
      withheld: registry.withheld.map(withheldSummary),
      notes: registry.notes,
      problems,
      stale,
      manifests: app.manifests().map(manifestSummary),
      total,
      shown: seen,
      warnings,
    };
    output.data(value, () => `${listingText(registry, total, output)}${callToolsText(config)}`);
    const told = new Set(stale.map(({ message }) => message));
    for (const { message } of problems) if (!told.has(message)) warn(output, message);
    for (const line of [...staleLines(stale), ...manifestLines(app.manifests())]) warn(output, line);
    if (view.mode === 'search') {
      output.note(`Mode search: a client sees ${count(seen.tools, 'tool')} instead, ${costText(seen)}.`);
    }
    for (const message of warnings) warn(output, message);
    return 0;
  });
}

/** That clients see further tools, where they do. */
function callToolsText(config: ViewConfig): string {
  const names = [...CALL_TOOL_NAMES].join(' and ');
  return handsOff(config) ? `\nListed besides, as ${handOffSetting(config)} is on: ${names}.` : '';
}

function handOffSetting({ at }: ViewConfig): string {
  return at?.['handOff'] ?? 'tools.handOff';
}

function handsOff({ handOff }: ViewConfig): boolean {
  return handOff !== 'off';
}

/** `tools show NAME`: a tool as tools/list answers it, what it costs, and where it comes from. */
export function showTool(context: CommandContext, name: string, options: ToolsOptions = {}): Promise<number> {
  return withView(context, options, (session) => {
    const { registry } = session;
    const tool = registry.get(name);
    if (tool === undefined) throw unknownTool(session, context.output, name);
    const { title, description, inputSchema, outputSchema, annotations, ref, authorized } = tool;
    const value = {
      name: tool.name,
      title,
      description,
      inputSchema,
      ...(outputSchema === undefined ? {} : { outputSchema }),
      annotations,
      dify: ref,
      authorized,
      cost: toolCost(tool),
    };
    context.output.data(value, () => details(tool, context.output));
    return 0;
  });
}

/** `tools explain NAME`: why a tool is published as it is, or is not. */
export function explain(context: CommandContext, name: string, options: ToolsOptions = {}): Promise<number> {
  return withView(context, options, (session) => {
    const { registry, config } = session;
    if (CALL_TOOL_NAMES.has(name) && handsOff(config)) {
      const lines = [
        `${name} is a tool of the bridge itself, for calls that take long: ${handOffSetting(config)} is on.`,
        ...(registry.get(name) === undefined
          ? []
          : ['It is shown in place of the tool of Dify of the same name.']),
      ];
      context.output.data({ name, published: true, lines }, () => lines.join('\n'));
      return 0;
    }
    const published = registry.get(name) !== undefined;
    const isKnown = [...registry.withheld, ...registry.notes].some((item) => item.name === name);
    if (!published && !isKnown) throw unknownTool(session, context.output, name);
    const lines = explainTool(registry, name);
    context.output.data({ name, published, lines }, () => lines.join('\n'));
    return 0;
  });
}

interface ViewSession extends Session {
  readonly view: View;
  readonly config: ViewConfig;
}

/** Runs a command on what one view publishes. */
function withView(
  context: CommandContext,
  { view: name = DEFAULT_VIEW }: ToolsOptions,
  run: (session: ViewSession) => number | Promise<number>,
): Promise<number> {
  return withTools(context, async (session) => {
    const { app, loaded, signal } = session;
    const [view, config] = [app.views.get(name), viewsOf(loaded.config).get(name)];
    if (view === undefined || config === undefined) {
      throw (await import('../../app/serving.ts')).unknownView(name, app.views);
    }
    const registry = await view.registry.ready(signal);
    return run({ ...session, registry, view, config });
  });
}

/** What is too much for a client, and how there is less of it. */
function sizeWarnings(
  { tools, tokens }: ToolCost & { readonly tools: number },
  mode: View['mode'],
  config: ViewConfig,
): string[] {
  const limits = exceededLimits(tools).map((limit) => `${limit.client} (${limit.tools})`);
  const remedy =
    mode === 'search'
      ? `Let ${settingOf(config, 'pinned')} fit less.`
      : `Narrow ${settingOf(config, 'allow')} or ${settingOf(config, 'deny')}, or set ${config.at?.['mode'] ?? 'tools.mode'} to search.`;
  const warnings: string[] = [];
  if (limits.length > 0) {
    warnings.push(`${count(tools, 'tool')}: more than some clients take: ${limits.join(', ')}. ${remedy}`);
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

function unknownTool(session: Session, output: Output, name: string): BridgeError {
  const { registry } = session;
  const withheld = registry.withheld.find((tool) => tool.name === name);
  if (withheld !== undefined) {
    return new BridgeError('tool_not_found', `${name} is not published (${withheld.reason}).`, {
      hint: withheld.detail,
    });
  }
  warnOfProblems(session, output);
  const similar = similarNames(registry, name);
  return new BridgeError('tool_not_found', `No tool is called ${JSON.stringify(name)}.`, {
    hint: similar.length === 0 ? 'See tools list.' : `Similar names: ${similar.join(', ')}. See tools list.`,
  });
}

function summary(tool: PublishedTool) {
  const { name, title, ref, authorized } = tool;
  return { name, title, dify: ref, authorized, cost: toolCost(tool) };
}

function withheldSummary({ name, title, ref, reason, detail }: WithheldTool) {
  return { name, title, dify: ref, reason, detail };
}

function listingText(registry: Registry, total: ToolCost, output: Output): string {
  const blocks: string[] = [];
  if (registry.tools.length === 0) blocks.push('No tool is published.');
  else blocks.push(publishedTable(registry, output));
  if (registry.withheld.length > 0) {
    const rows = registry.withheld.map(({ name, reason, detail }) => [
      name,
      reason,
      detail.split('\n')[0] ?? '',
    ]);
    blocks.push(`Not published (tools explain NAME says more):\n${table(rows)}`);
  }
  const notes = furtherNotes(registry, 1);
  if (notes.length > 0) {
    blocks.push(['Notes:', ...notes.map(({ name, message }) => `${name}: ${message}`)].join('\n'));
  }
  const published = count(registry.tools.length, 'tool');
  blocks.push(
    `${published} published, ${registry.withheld.length} not published. In all ${costText(total)}.`,
  );
  return blocks.join('\n\n');
}

function publishedTable({ tools }: Registry, output: Output): string {
  const costs = tools.map(toolCost);
  const cells = (head: string, values: readonly number[]): string[] => {
    const texts = [head, ...values.map(number)];
    const width = Math.max(...texts.map((text) => text.length));
    return texts.map((text) => text.padStart(width));
  };
  const bytes = cells(
    'BYTES',
    costs.map((cost) => cost.bytes),
  );
  const tokens = cells(
    '~TOKENS',
    costs.map((cost) => cost.tokens),
  );
  const rows = tools.map(({ name, title, ref, authorized }, index) => [
    name,
    bytes[index + 1] ?? '',
    tokens[index + 1] ?? '',
    title,
    `${origin(ref)}${authorized ? '' : output.paint('yellow', ' (not authorised in Dify)')}`,
  ]);
  return table([['NAME', bytes[0] ?? '', tokens[0] ?? '', 'TITLE', 'IN DIFY'], ...rows]);
}

function details(tool: PublishedTool, output: Output): string {
  const schema = (title: string, value: unknown): string[] =>
    value === undefined ? [] : ['', output.paint('bold', title), JSON.stringify(value, null, 2)];
  return [
    `${output.paint('bold', tool.name)}  ${tool.title}`,
    `In Dify: ${origin(tool.ref)}${tool.authorized ? '' : ' (not authorised: every call is refused)'}`,
    `In tools/list: ${costText(toolCost(tool))}`,
    '',
    tool.description,
    ...schema('Input', tool.inputSchema),
    ...schema('Output', tool.outputSchema),
  ].join('\n');
}

function origin({ providerType, providerId, tool }: ToolRef): string {
  return `${providerType} ${providerId} ${tool}`;
}

function costText({ bytes, tokens }: ToolCost): string {
  return `${number(bytes)} bytes, about ${number(tokens)} tokens`;
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}

function warn(output: Output, message: string): void {
  output.note(`${output.paint('yellow', 'warning:', 'stderr')} ${message}`);
}
