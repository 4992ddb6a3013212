import { BridgeError } from '../model/errors.ts';
import type { PublishedTool, Registry, WithheldTool } from '../model/registry.ts';
import type { ToolRef } from '../model/tool.ts';
import { explainTool, similarNames } from '../registry/explain.ts';
import { count, type Output, table } from './output.ts';
import { type CommandContext, type Session, warnOfProblems, withTools } from './session.ts';

/** `tools list`: what is published and what is withheld. */
export function listTools(context: CommandContext): Promise<number> {
  return withTools(context, (session) => {
    const { app, registry } = session;
    const problems = app.status().listing?.problems ?? [];
    const value = {
      tools: registry.tools.map(summary),
      withheld: registry.withheld.map(withheldSummary),
      notes: registry.notes,
      problems,
    };
    context.output.data(value, () => listing(registry, context.output));
    warnOfProblems(session, context.output);
    return 0;
  });
}

/** `tools show NAME`: a tool as tools/list answers it, and where it comes from. */
export function showTool(context: CommandContext, name: string): Promise<number> {
  return withTools(context, (session) => {
    const tool = session.registry.get(name);
    if (tool === undefined) throw unknownTool(session, context.output, name);
    const { title, description, inputSchema, outputSchema, annotations, ref, authorized } = tool;
    const value = {
      name,
      title,
      description,
      inputSchema,
      ...(outputSchema === undefined ? {} : { outputSchema }),
      annotations,
      dify: ref,
      authorized,
    };
    context.output.data(value, () => details(tool, context.output));
    return 0;
  });
}

/** `tools explain NAME`: why a tool is published as it is, or is not. */
export function explain(context: CommandContext, name: string): Promise<number> {
  return withTools(context, (session) => {
    const { registry } = session;
    const published = registry.get(name) !== undefined;
    if (!published && !registry.withheld.some((tool) => tool.name === name))
      throw unknownTool(session, context.output, name);
    const lines = explainTool(registry, name);
    context.output.data({ name, published, lines }, () => lines.join('\n'));
    return 0;
  });
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

function summary({ name, title, ref, authorized }: PublishedTool) {
  return { name, title, dify: ref, authorized };
}

function withheldSummary({ name, title, ref, reason, detail }: WithheldTool) {
  return { name, title, dify: ref, reason, detail };
}

function listing(registry: Registry, output: Output): string {
  const blocks: string[] = [];
  if (registry.tools.length === 0) blocks.push('No tool is published.');
  else {
    blocks.push(
      table([
        ['NAME', 'TITLE', 'IN DIFY'],
        ...registry.tools.map(({ name, title, ref, authorized }) => [
          name,
          title,
          `${origin(ref)}${authorized ? '' : output.paint('yellow', ' (not authorised in Dify)')}`,
        ]),
      ]),
    );
  }
  if (registry.withheld.length > 0) {
    const rows = registry.withheld.map(({ name, reason, detail }) => [
      name,
      reason,
      detail.split('\n')[0] ?? '',
    ]);
    blocks.push(`Not published (tools explain NAME says more):\n${table(rows)}`);
  }
  if (registry.notes.length > 0) {
    blocks.push(['Notes:', ...registry.notes.map(({ name, message }) => `${name}: ${message}`)].join('\n'));
  }
  blocks.push(
    `${count(registry.tools.length, 'tool')} published, ${registry.withheld.length} not published.`,
  );
  return blocks.join('\n\n');
}

function details(tool: PublishedTool, output: Output): string {
  const schema = (title: string, value: unknown): string[] =>
    value === undefined ? [] : ['', output.paint('bold', title), JSON.stringify(value, null, 2)];
  return [
    `${output.paint('bold', tool.name)}  ${tool.title}`,
    `In Dify: ${origin(tool.ref)}${tool.authorized ? '' : ' (not authorised: every call is refused)'}`,
    '',
    tool.description,
    ...schema('Input', tool.inputSchema),
    ...schema('Output', tool.outputSchema),
  ].join('\n');
}

function origin({ providerType, providerId, tool }: ToolRef): string {
  return `${providerType} ${providerId} ${tool}`;
}
