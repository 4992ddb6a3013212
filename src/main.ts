#!/usr/bin/env node
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runWithCodeCache } from './code-cache.ts';
import { processEnvironment } from './config/environment.ts';
import { cacheFolder } from './config/places.ts';

// scripts/build.mjs bundles program.ts into this file.
const program = fileURLToPath(new URL('part-program.cjs', import.meta.url));
const storeCode = runWithCodeCache(
  program,
  join(cacheFolder(processEnvironment(), process.platform), 'code'),
);
// A server has compiled by then what its calls need; other commands compile too little of it.
if (process.argv.includes('serve')) process.once('exit', storeCode);
