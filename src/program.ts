// The program that main.ts runs.
import { processIo } from './cli/io.ts';
import { runCli } from './cli/program.ts';

// A closed pipe is no error: readers such as `head` close it when they have read enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

void runCli(process.argv.slice(2), processIo()).then((exitCode) => {
  process.exitCode = exitCode;
});
