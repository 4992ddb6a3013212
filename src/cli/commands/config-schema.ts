import { configFileSchema } from '../../config/schema.ts';
import type { CommandContext } from '../session.ts';

export async function run({ output }: CommandContext): Promise<number> {
  output.raw(JSON.stringify(configFileSchema(), null, 2));
  return 0;
}
