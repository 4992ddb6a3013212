// The embedded Dify in a process of its own, with its tools for files or, given a number, with so many made-up ones.
// Tells its address and its secrets over IPC.
import { createSandbox } from '../../dist/sandbox/sandbox.js';
import { madeUpProviders } from './made-up-tools.mjs';

const [count] = process.argv.slice(2);
const { url, credentials } = await createSandbox({
  tools: count === undefined ? 'files' : madeUpProviders(Number(count)),
});
process.send({ url, credentials });
// Whoever started it ends it.
process.on('disconnect', () => process.exit());
