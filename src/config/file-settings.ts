import * as z from 'zod';
import { choice, duration, flag, folders, networks, password, redisUrl, size, text } from './fields.ts';
import { optional, setting } from './setting.ts';

/** Files of arguments and of results. */
export const files = z.strictObject({
  urls: setting(choice(['fetch', 'pass', 'refuse']), 'fetch').describe(
    'Web addresses in file arguments. fetch: the bridge fetches the file. pass: Dify and the tool fetch it. refuse: the bridge rejects them.',
  ),
  allowHttp: setting(flag, false).describe(
    'Also fetch files from http:// addresses, not only from https://.',
  ),
  allowedNetworks: setting(networks, []).describe(
    'Private host names and networks from which the bridge may fetch files: files.intern, 10.20.0.0/16.',
  ),
  fetchTimeout: setting(duration('1s', '1h'), '60s').describe('Longest time for fetching one file.'),
  maxInputBytes: setting(size('1KiB', '16GiB'), '200MiB').describe('Largest file in an argument.'),
  allowedPaths: setting(folders, []).describe(
    'Folders of this machine from which file arguments may name files. stdio only.',
  ),
  store: setting(choice(['directory', 'memory']), 'directory').describe(
    'Where files are stored without state.redisUrl: in files.dir, or in memory until the bridge stops.',
  ),
  dir: optional(text, { use: 'everyday' }).describe(
    "Folder for stored files. Default: dify-mcp-bridge/files in the user's cache folder (~/.cache).",
  ),
  maxStoreBytes: optional(size('1KiB', '16384GiB')).describe(
    'Largest size of all stored files; the least recently used are evicted. Default: 1GiB in a folder, 128MiB in memory or Redis.',
  ),
  keep: setting(duration('1s', '8760h'), '24h').describe('How long a file is stored.'),
  maxOutputBytes: setting(size('1KiB', '16GiB'), '200MiB').describe(
    'Largest file that the bridge fetches from Dify for a result; the result names larger ones.',
  ),
  maxReadBytes: setting(size('0B', '100MiB'), '10MiB').describe(
    'Largest file that resources/read returns; clients download larger ones.',
  ),
});

/** The state that replicas share. */
export const state = z.strictObject({
  redisUrl: optional(redisUrl, { use: 'everyday', secret: true }).describe(
    'Redis that stores files and results for several replicas: redis://redis:6379, or rediss:// with TLS. Without it, each replica stores its own.',
  ),
  redisPassword: optional(password, { secret: true }).describe('Password of Redis, if its address has none.'),
});
