import { manifestFileSchema } from '../../manifest/file-schema.ts';
import type { CommandContext } from '../session.ts';

export async function run({ output }: CommandContext): Promise<number> {
  output.raw(JSON.stringify(manifestFileSchema(), null, 2));
  return 0;
}
