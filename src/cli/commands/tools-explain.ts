import { explainTool } from '../../registry/explain.ts';
import { visibleLine } from '../../model/invisible-characters.ts';
import { asBridgeError } from '../../model/errors.ts';
import { CALL_TOOL_NAMES } from '../../tasks/call-tools.ts';
import { credentialOf } from '../credentials.ts';
import { type CommandContext, withView } from '../session.ts';
import { accountLines, handOffSetting, limitLines, type ToolsOptions, unknownTool } from '../tool-texts.ts';

export function run(context: CommandContext, { view }: ToolsOptions, name: string): Promise<number> {
  return withView(context, view, async (session) => {
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
    const tool = registry.get(name);
    const published = tool !== undefined;
    const isKnown = [...registry.withheld, ...registry.notes].some((item) => item.name === name);
    if (!published && !isKnown) throw unknownTool(session, context.output, name);
    const credential = tool && (await credentialOf(session.app, tool, session.signal).catch(warnOf(context)));
    const lines = [
      ...explainTool(registry, name, credential),
      ...accountLines(session.loaded.config, tool),
      ...limitLines(session.loaded.config, config, tool),
    ];
    context.output.data({ name, published, lines }, () => context.output.prose(lines.join('\n')));
    return 0;
  });
}

/** Returns a handler that reports why Dify did not list the credentials. */
function warnOf({ output }: CommandContext): (thrown: unknown) => undefined {
  return (thrown) => {
    output.warn(visibleLine(`The credentials could not be listed: ${asBridgeError(thrown).message}`));
    return undefined;
  };
}
