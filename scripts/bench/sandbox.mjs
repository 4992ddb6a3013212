// The embedded Dify in a process of its own, with its tools for files or, given a number, with so many made-up ones.
// Tells its address and its secrets over IPC.
import { generatedProviders } from '../../dist/sandbox/generated.js';
import { createSandbox } from '../../dist/sandbox/sandbox.js';

const [count] = process.argv.slice(2);
const { url, credentials, workspace } = await createSandbox({
  tools: count === undefined ? 'files' : 'demo',
});
if (count !== undefined) {
  for (const { type, id } of workspace.providers) workspace.removeProvider(type, id);
  for (const provider of generatedProviders(Number(count))) workspace.addProvider(provider);
}
process.send({ url, credentials });
// Whoever started it ends it.
process.on('disconnect', () => process.exit());
