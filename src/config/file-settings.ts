import * as z from 'zod';
import { choice, duration, flag, folders, networks, redisUrl, size, text } from './fields.ts';
import { optional, setting } from './setting.ts';

/** Files of arguments and of results. */
export const files = z.strictObject({
  urls: setting(choice(['fetch', 'pass', 'refuse']), 'fetch', {
    kind: 'choice',
    env: 'DIFY_BRIDGE_FILES_URLS',
    description:
      'Web addresses in file arguments. fetch: the bridge fetches the file. pass: Dify and the tool do. refuse: none are taken.',
  }),
  allowHttp: setting(flag, false, {
    kind: 'boolean',
    env: 'DIFY_BRIDGE_FILES_ALLOW_HTTP',
    description: 'Fetch files from http:// addresses too, not from https:// alone.',
  }),
  allowedNetworks: setting(networks, [], {
    kind: 'list',
    env: 'DIFY_BRIDGE_FILES_ALLOWED_NETWORKS',
    description:
      'Host names and networks that files may be fetched from though they are private: files.intern, 10.20.0.0/16.',
  }),
  fetchTimeout: setting(duration('1s', '1h'), '60s', {
    kind: 'duration',
    env: 'DIFY_BRIDGE_FILES_FETCH_TIMEOUT',
    description: 'Longest time for fetching one file.',
  }),
  maxInputBytes: setting(size('1KiB', '16GiB'), '200MiB', {
    kind: 'size',
    env: 'DIFY_BRIDGE_FILES_MAX_INPUT_BYTES',
    description: 'Largest file that an argument may bring.',
  }),
  allowedPaths: setting(folders, [], {
    kind: 'list',
    env: 'DIFY_BRIDGE_FILES_ALLOWED_PATHS',
    description: 'Folders of this machine from which file arguments may name files, over stdio alone.',
  }),
  store: setting(choice(['directory', 'memory']), 'directory', {
    kind: 'choice',
    env: 'DIFY_BRIDGE_FILES_STORE',
    description:
      'Where files are kept without state.redisUrl: in files.dir, or in memory until the bridge ends.',
  }),
  dir: optional(text, {
    kind: 'text',
    env: 'DIFY_BRIDGE_FILES_DIR',
    description:
      "Folder of the kept files. Without it, dify-mcp-bridge/files in the user's cache folder (~/.cache).",
  }),
  maxStoreBytes: optional(size('1KiB', '16384GiB'), {
    kind: 'size',
    env: 'DIFY_BRIDGE_FILES_MAX_STORE_BYTES',
    description:
      'Largest size of all kept files; the least recently used are evicted. Without it, 1GiB in a folder and 128MiB in memory or Redis.',
  }),
  keep: setting(duration('1s', '8760h'), '24h', {
    kind: 'duration',
    env: 'DIFY_BRIDGE_FILES_KEEP',
    description: 'How long a file is kept.',
  }),
  maxOutputBytes: setting(size('1KiB', '16GiB'), '200MiB', {
    kind: 'size',
    env: 'DIFY_BRIDGE_FILES_MAX_OUTPUT_BYTES',
    description: 'Largest file of a result that is taken from Dify; of larger ones the result tells.',
  }),
  maxReadBytes: setting(size('0B', '100MiB'), '10MiB', {
    kind: 'size',
    env: 'DIFY_BRIDGE_FILES_MAX_READ_BYTES',
    description: 'Largest file that resources/read gives; larger ones are downloaded.',
  }),
});

/** What replicas share. */
export const state = z.strictObject({
  redisUrl: optional(redisUrl, {
    kind: 'url',
    env: 'DIFY_BRIDGE_REDIS_URL',
    secret: true,
    description:
      'Redis that keeps files and results for several replicas: redis://redis:6379, or rediss:// with TLS. Without it, each keeps its own.',
  }),
  redisPassword: optional(text, {
    kind: 'text',
    env: 'DIFY_BRIDGE_REDIS_PASSWORD',
    secret: true,
    description: 'Password of Redis, where its address has none.',
  }),
});
