#!/usr/bin/env node
import { processIo } from './cli/io.ts';
import { runCli } from './cli/program.ts';

// A reader that has seen enough, as `head` does, closes the pipe: that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

process.exitCode = await runCli(process.argv.slice(2), processIo());
