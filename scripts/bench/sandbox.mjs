// Runs the sandbox in a separate process, with its tools for files or, given a number, with that many made-up ones.
// Sends its address and its secrets over IPC.
import { createSandbox } from '../../dist/sandbox/sandbox.js';
import { madeUpProviders } from './made-up-tools.mjs';

const [count] = process.argv.slice(2);
const { url, credentials } = await createSandbox({
  tools: count === undefined ? 'files' : madeUpProviders(Number(count)),
});
process.send({ url, credentials });
// The parent process ends it.
process.on('disconnect', () => process.exit());
