import { explainTool } from '../../registry/explain.ts';
import { CALL_TOOL_NAMES } from '../../tasks/call-tools.ts';
import { type CommandContext, withView } from '../session.ts';
import { accountLines, handOffSetting, type ToolsOptions, unknownTool } from '../tool-texts.ts';

export function run(context: CommandContext, { view }: ToolsOptions, name: string): Promise<number> {
  return withView(context, view, (session) => {
    const { registry, config } = session;
    const handOff = handOffSetting(config);
    if (CALL_TOOL_NAMES.has(name) && handOff !== undefined) {
      const lines = [
        `${name} is a tool of the bridge itself, for calls that take long: ${handOff} is on.`,
        ...(registry.get(name) === undefined ? [] : ["It replaces Dify's tool of the same name."]),
      ];
      context.output.data({ name, published: true, lines }, () => context.output.prose(lines.join('\n')));
      return 0;
    }
    const published = registry.get(name) !== undefined;
    const isKnown = [...registry.withheld, ...registry.notes].some((item) => item.name === name);
    if (!published && !isKnown) throw unknownTool(session, context.output, name);
    const called = accountLines(session.loaded.config, registry.get(name));
    const lines = [...explainTool(registry, name), ...called];
    context.output.data({ name, published, lines }, () => context.output.prose(lines.join('\n')));
    return 0;
  });
}
