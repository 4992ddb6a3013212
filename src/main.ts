#!/usr/bin/env node
import module from 'node:module';
import { join } from 'node:path';
import { processEnvironment } from './config/environment.ts';
import { cacheFolder } from './config/places.ts';

// Node.js 22.1 and later keep compiled code, which makes later starts faster. Own folder: only this user may write there.
const { enableCompileCache } = module as { enableCompileCache?: (folder: string) => unknown };
const env = processEnvironment();
enableCompileCache?.(env['NODE_COMPILE_CACHE'] ?? join(cacheFolder(env, process.platform), 'code'));
// What is imported before that is compiled each time.
const [{ processIo }, { runCli }] = await Promise.all([import('./cli/io.ts'), import('./cli/program.ts')]);

// A closed pipe is no error: readers such as `head` close it when they have read enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

process.exitCode = await runCli(process.argv.slice(2), processIo());
