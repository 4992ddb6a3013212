import { VERSION } from '../../version.ts';
import type { CommandContext } from '../session.ts';

export async function run({ output, program }: CommandContext): Promise<number> {
  const about = { name: program.name(), version: VERSION, node: process.versions.node };
  output.data(about, () => `${about.name} ${VERSION} (Node.js ${about.node})`);
  return 0;
}
