import type { PublishedTool } from '../../model/registry.ts';
import { toolCost } from '../../registry/cost.ts';
import type { Output } from '../output.ts';
import { type CommandContext, withView } from '../session.ts';
import { costText, origin, type ToolsOptions, unknownTool } from '../tool-texts.ts';

export function run(context: CommandContext, { view }: ToolsOptions, name: string): Promise<number> {
  return withView(context, view, (session) => {
    const { registry } = session;
    const tool = registry.get(name);
    if (tool === undefined) throw unknownTool(session, context.output, name);
    const { title, description, inputSchema, outputSchema, annotations, ref, authorized } = tool;
    const value = {
      name: tool.name,
      title,
      description,
      inputSchema,
      outputSchema,
      annotations,
      dify: ref,
      authorized,
      cost: toolCost(tool),
    };
    context.output.data(value, () => details(tool, context.output));
    return 0;
  });
}

function details(tool: PublishedTool, output: Output): string {
  const schema = (title: string, value: unknown): string[] =>
    value === undefined ? [] : ['', output.paint('bold', title), JSON.stringify(value, null, 2)];
  return [
    output.prose(
      [
        `${output.paint('bold', tool.name)}  ${tool.title}`,
        `In Dify: ${origin(tool.ref)}${tool.authorized ? '' : ' (not authorised: every call is refused)'}`,
        `In tools/list: ${costText(toolCost(tool))}`,
      ].join('\n'),
    ),
    '',
    output.prose(tool.description),
    ...schema('Input', tool.inputSchema),
    ...schema('Output', tool.outputSchema),
  ].join('\n');
}
