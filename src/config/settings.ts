import * as z from 'zod';
import {
  baseUrl,
  choice,
  duration,
  flag,
  httpUrl,
  list,
  size,
  text,
  uuid,
  uuidOrEmpty,
  wholeNumber,
} from './fields.ts';
import { files, state } from './file-settings.ts';
import { facts, optional, type Setting, setting } from './setting.ts';
import { tools, views } from './view-settings.ts';

const dify = z.strictObject({
  apiUrl: optional(httpUrl, {
    kind: 'url',
    env: 'DIFY_API_URL',
    description: "Base address of Dify's API, for the inner API, the console and the files: http://api:5001.",
  }),
  innerApiKey: optional(text, {
    kind: 'text',
    env: 'DIFY_INNER_API_KEY',
    secret: true,
    description:
      "Key of Dify's inner API: PLUGIN_DIFY_INNER_API_KEY in Dify's .env. It opens every workspace.",
  }),
  workspaceId: optional(uuid, {
    kind: 'uuid',
    env: 'DIFY_WORKSPACE_ID',
    description: 'The workspace whose tools are published (a UUID).',
  }),
  adminApiKey: optional(text, {
    kind: 'text',
    env: 'DIFY_ADMIN_API_KEY',
    secret: true,
    description: "Admin key of Dify's console (ADMIN_API_KEY). Lists the tools; preferred to a login.",
  }),
  email: optional(text, {
    kind: 'text',
    env: 'DIFY_EMAIL',
    description: 'E-mail address of a Dify account that lists the tools, where there is no admin key.',
  }),
  password: optional(text, {
    kind: 'text',
    env: 'DIFY_PASSWORD',
    secret: true,
    description: 'Password of that account.',
  }),
  secretKey: optional(text, {
    kind: 'text',
    env: 'DIFY_SECRET_KEY',
    secret: true,
    description:
      "Dify's SECRET_KEY: signs the links to files. Without it, most files of results do not arrive before Dify 1.15.",
  }),
  userId: setting(uuidOrEmpty, '', {
    kind: 'text',
    env: 'DIFY_USER_ID',
    description:
      "The end user that calls run as. Empty is Dify's anonymous user; a UUID that Dify does not know adds a row to its database at every call.",
  }),
});

const http = z.strictObject({
  host: setting(text, '127.0.0.1', {
    kind: 'text',
    env: 'DIFY_BRIDGE_HOST',
    flag: '--host',
    description:
      'Address to listen on. Any address other than loopback requires http.token, or http.allowWithoutToken if a proxy authenticates.',
  }),
  port: setting(wholeNumber(0, 65_535), 8080, {
    kind: 'number',
    env: 'DIFY_BRIDGE_PORT',
    flag: '--port',
    description: 'Port to listen on; 0 takes a free one.',
  }),
  token: optional(text, {
    kind: 'text',
    env: 'DIFY_BRIDGE_TOKEN',
    secret: true,
    description: 'Bearer token that every HTTP request must carry.',
  }),
  allowWithoutToken: setting(flag, false, {
    kind: 'boolean',
    env: 'DIFY_BRIDGE_ALLOW_WITHOUT_TOKEN',
    description:
      'Serve an address other than loopback without a token, as behind a proxy that authenticates.',
  }),
  allowedHosts: setting(list, [], {
    kind: 'list',
    env: 'DIFY_BRIDGE_ALLOWED_HOSTS',
    description: 'Host names that requests may be addressed to, besides loopback and http.host.',
  }),
  allowedOrigins: setting(list, [], {
    kind: 'list',
    env: 'DIFY_BRIDGE_ALLOWED_ORIGINS',
    description: 'Origins of web pages that may send requests, such as https://app.example.com.',
  }),
  publicUrl: optional(baseUrl, {
    kind: 'url',
    env: 'DIFY_BRIDGE_PUBLIC_URL',
    description:
      'Address under which clients reach the bridge, for downloads: https://bridge.example.com. Without it, the address that it listens on.',
  }),
  sessionIdle: setting(duration('1s', '24h'), '30m', {
    kind: 'duration',
    env: 'DIFY_BRIDGE_SESSION_IDLE',
    description: 'A session without requests ends after this time.',
  }),
  maxSessions: setting(wholeNumber(1, 100_000), 200, {
    kind: 'number',
    env: 'DIFY_BRIDGE_MAX_SESSIONS',
    description:
      'MCP sessions at once. Beyond that, a new session ends the one that has been unused the longest.',
  }),
  maxBodyBytes: setting(size('1KiB', '512MiB'), '4MiB', {
    kind: 'size',
    env: 'DIFY_BRIDGE_MAX_BODY_BYTES',
    description: 'Largest body of a request.',
  }),
  keepAlive: setting(duration('100ms', '10m'), '5s', {
    kind: 'duration',
    env: 'DIFY_BRIDGE_KEEP_ALIVE',
    description: 'A silent event stream carries a comment at least this often, so that proxies keep it.',
  }),
});

const catalog = z.strictObject({
  refresh: setting(duration('1s', '24h'), '60s', {
    kind: 'duration',
    env: 'DIFY_BRIDGE_CATALOG_REFRESH',
    description: "How often Dify's tools are listed again.",
  }),
  loadTimeout: setting(duration('100ms', '10m'), '20s', {
    kind: 'duration',
    env: 'DIFY_BRIDGE_CATALOG_LOAD_TIMEOUT',
    description: 'How long tools/list and a call wait for the first catalogue.',
  }),
});

const manifest = z
  .strictObject({
    dir: optional(text, {
      kind: 'text',
      env: 'DIFY_BRIDGE_MANIFEST',
      flag: '--manifest',
      description: 'Folder of approved tools to serve from; needs no admin key and no login.',
    }),
    frozen: setting(flag, false, {
      kind: 'boolean',
      env: 'DIFY_BRIDGE_MANIFEST_FROZEN',
      flag: '--frozen',
      description: 'Serve only tools that are still as they were approved.',
    }),
  })
  .refine(({ dir, frozen }) => dir !== undefined || !frozen, {
    path: ['frozen'],
    error: 'needs manifest.dir (--manifest), the folder with what was approved',
  });

const calls = z.strictObject({
  timeout: setting(duration('1s', '24h'), '21m', {
    kind: 'duration',
    env: 'DIFY_BRIDGE_CALLS_TIMEOUT',
    description: 'Longest run of one call. Dify itself stops a workflow after 20 minutes.',
  }),
  maxConcurrent: setting(wholeNumber(1, 1000), 8, {
    kind: 'number',
    env: 'DIFY_BRIDGE_CALLS_MAX_CONCURRENT',
    description: "Calls that run in Dify at once. Dify's api container takes 10 connections as shipped.",
  }),
  maxQueued: setting(wholeNumber(0, 100_000), 100, {
    kind: 'number',
    env: 'DIFY_BRIDGE_CALLS_MAX_QUEUED',
    description: 'Calls that wait for their turn; a further one is refused.',
  }),
  maxFrameBytes: setting(size('1KiB', '512MiB'), '30MiB', {
    kind: 'size',
    env: 'DIFY_BRIDGE_CALLS_MAX_FRAME_BYTES',
    description: 'Largest single message of a tool.',
  }),
  maxAnswerBytes: setting(size('1KiB', '1GiB'), '64MiB', {
    kind: 'size',
    env: 'DIFY_BRIDGE_CALLS_MAX_ANSWER_BYTES',
    description: 'Size of all messages of one call together; its files are apart.',
  }),
  progressInterval: setting(duration('100ms', '10m'), '15s', {
    kind: 'duration',
    env: 'DIFY_BRIDGE_CALLS_PROGRESS_INTERVAL',
    description: 'Progress is reported at least this often while a tool is silent.',
  }),
  shutdownGrace: setting(duration('0s', '1h'), '10s', {
    kind: 'duration',
    env: 'DIFY_BRIDGE_CALLS_SHUTDOWN_GRACE',
    description: 'Time that running calls get to end when the bridge stops.',
  }),
  keepResults: setting(duration('1s', '24h'), '1h', {
    kind: 'duration',
    env: 'DIFY_BRIDGE_CALLS_KEEP_RESULTS',
    description:
      'How long the result of a call that was handed off, or had an idempotency key, can be asked for.',
  }),
  maxKeptBytes: setting(size('1KiB', '16GiB'), '64MiB', {
    kind: 'size',
    env: 'DIFY_BRIDGE_CALLS_MAX_KEPT_BYTES',
    description: 'Memory for these results, here or in Redis; the oldest are evicted for newer ones.',
  }),
});

const log = z.strictObject({
  level: setting(choice(['debug', 'info', 'warn', 'error', 'silent']), 'info', {
    kind: 'choice',
    env: 'DIFY_BRIDGE_LOG_LEVEL',
    flag: '--log-level',
    description: 'What is logged, as JSON lines on standard error.',
  }),
});

/** Checks a complete configuration and turns its texts into numbers. */
export const settingsSchema = z.strictObject({
  dify: dify.prefault({}),
  http: http.prefault({}),
  catalog: catalog.prefault({}),
  tools: tools.prefault({}),
  views,
  manifest: manifest.prefault({}),
  calls: calls.prefault({}),
  files: files.prefault({}),
  state: state.prefault({}),
  log: log.prefault({}),
});

/** Every setting, in the order of the file. */
export function settingsTable(): readonly Setting[] {
  return Object.entries(settingsSchema.shape).flatMap(([group, schema]): Setting[] => {
    const whole = facts.get(schema);
    if (whole !== undefined) return [{ path: group, ...whole }];
    return Object.entries((schema as typeof settingsSchema.shape.log).unwrap().shape).map(([name, leaf]) => {
      const about = facts.get(leaf);
      if (about === undefined) throw new Error(`The setting ${group}.${name} is not in the table.`);
      return { path: `${group}.${name}`, ...about };
    });
  });
}
