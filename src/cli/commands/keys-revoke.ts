import { closest } from '../../model/closest.ts';
import { BridgeError } from '../../model/errors.ts';
import { changeKeys } from '../change-keys.ts';
import { type CommandContext, configOf } from '../session.ts';

export async function run(context: CommandContext, _options: unknown, name: string): Promise<number> {
  const { output } = context;
  const { config } = await configOf(context, false);
  await changeKeys(config.keysFile, (keys) => {
    const rest = keys.filter((key) => key.name !== name);
    if (rest.length < keys.length) return rest;
    const near = closest(
      name,
      keys.map((key) => key.name),
    );
    const hint = near === undefined ? 'dify-mcp-bridge keys list names the keys.' : `Did you mean ${near}?`;
    throw new BridgeError('usage', `${config.keysFile} has no key called ${JSON.stringify(name)}.`, { hint });
  });
  output.data({ revoked: name }, () =>
    output.prose(`Revoked ${name}. Running bridges that read ${config.keysFile} refuse it from now on.`),
  );
  return 0;
}
