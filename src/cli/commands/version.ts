import { VERSION } from '../../version.ts';
import type { CommandContext } from '../session.ts';
import { NAME } from '../typed.ts';

export async function run({ output }: CommandContext): Promise<number> {
  const about = { name: NAME, version: VERSION, node: process.versions.node };
  output.data(about, () => `${about.name} ${VERSION} (Node.js ${about.node})`);
  return 0;
}
