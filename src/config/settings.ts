import * as z from 'zod';
import {
  baseUrl,
  browserUrl,
  email,
  choice,
  duration,
  flag,
  httpUrl,
  key,
  list,
  password,
  signingKey,
  size,
  text,
  uuid,
  uuidOrEmpty,
  wholeNumber,
} from './fields.ts';
import { files, state } from './file-settings.ts';
import { checkOauth, oauth } from './oauth-settings.ts';
import { limits } from './limit-settings.ts';
import { optional, type Setting, setting, settingAt } from './setting.ts';
import { checkSignIn, signIn } from './sign-in-settings.ts';
import { tools, views } from './view-settings.ts';
import { workspacesSetting } from './workspace-settings.ts';

const dify = z.strictObject({
  url: optional(browserUrl, { use: 'everyday' }).describe(
    "Dify's address in your browser, such as https://dify.example.com. With an account it is all the bridge needs: console and files are found from it.",
  ),
  road: optional(choice(['auto', 'account', 'inner'])).describe(
    'How tools are called: `account` (the console API, with an account or the admin key) or `inner` (the inner API, with its key). `auto`, the default, is `inner` if dify.innerApiKey is set, otherwise `account` if dify.url is set.',
  ),
  createApp: optional(flag, { use: 'everyday' }).describe(
    'Account road: create the app "MCP bridge" in the workspace if it does not exist. The bridge runs tools in this app.',
  ),
  filesUrl: optional(httpUrl).describe(
    'Account road: address that serves the files of results, if it is not dify.url. Dify Cloud needs no setting.',
  ),
  apiUrl: optional(httpUrl, { use: 'everyday' }).describe(
    "Base address of Dify's API, for the inner API, the console and the files: http://api:5001.",
  ),
  innerApiKey: optional(key, { use: 'everyday', secret: true }).describe(
    "Key of Dify's inner API: PLUGIN_DIFY_INNER_API_KEY in Dify's .env. It opens every workspace.",
  ),
  workspaceId: optional(uuid, { use: 'everyday' }).describe(
    'The workspace whose tools are published (a UUID).',
  ),
  adminApiKey: optional(key, { use: 'everyday', secret: true }).describe(
    "Admin key of Dify's console (ADMIN_API_KEY). Lists the tools; preferred to a login.",
  ),
  email: optional(email, { use: 'everyday' }).describe(
    'E-mail address of a Dify account that lists the tools, if you have no admin key.',
  ),
  password: optional(password, { use: 'everyday', secret: true }).describe('Password of that account.'),
  secretKey: optional(signingKey, { use: 'everyday', secret: true }).describe(
    "Dify's SECRET_KEY: signs the links to files. Without it, most files of results do not arrive before Dify 1.15.",
  ),
  userId: setting(uuidOrEmpty, '').describe(
    "The end user that calls run as. Empty means Dify's anonymous user; an unknown UUID adds a row to Dify's database at every call.",
  ),
  userPerPrincipal: optional(flag).describe(
    'Inner road: run the calls of each principal (a key, or a person with an access token) as a Dify end user of its own, which the bridge creates once. Requires Dify 1.9.0.',
  ),
});

const http = z.strictObject({
  host: setting(text, '127.0.0.1', { use: 'everyday', flag: '--host' }).describe(
    'Address to listen on. Any address other than loopback requires API keys or http.token, or http.allowWithoutToken if a proxy authenticates.',
  ),
  port: setting(wholeNumber(0, 65_535), 8080, { use: 'everyday', flag: '--port' }).describe(
    'Port to listen on; 0 chooses a free one.',
  ),
  token: optional(key, { use: 'everyday', secret: true }).describe(
    'Bearer token that admits HTTP requests to every view. Without it and without API keys, every request is admitted.',
  ),
  keysFile: optional(text).describe(
    'File of API keys, which dify-mcp-bridge keys create writes; each admits HTTP requests to some views. Default: keys.json in the folder of the configuration file, if it exists.',
  ),
  allowWithoutToken: setting(flag, false).describe(
    'Serve an address other than loopback without a token and without API keys, for example behind a proxy that authenticates.',
  ),
  allowedHosts: setting(list, [], { use: 'everyday' }).describe(
    'Host names that requests may address, in addition to loopback and http.host.',
  ),
  allowedOrigins: setting(list, []).describe(
    'Origins of web pages that may send requests, such as https://app.example.com.',
  ),
  publicUrl: optional(baseUrl, { use: 'everyday' }).describe(
    'Address under which clients reach the bridge, for downloads: https://bridge.example.com. Default: the address it listens on.',
  ),
  sessionKey: optional(text, { secret: true }).describe(
    'Any long random text that signs session IDs. With Redis, it also encrypts the stored login that replicas share, unless signIn.key is set. Without it, the bridge makes a key and stores it in Redis, in files.dir or in its cache folder.',
  ),
  maxStreams: setting(wholeNumber(1, 100_000), 1000, { use: 'limits' }).describe(
    'Most event streams on which clients wait for notifications.',
  ),
  maxBodyBytes: setting(size('1KiB', '512MiB'), '4MiB', { use: 'limits' }).describe('Largest request body.'),
  keepAlive: setting(duration('100ms', '10m'), '5s').describe(
    'The bridge sends a comment on a silent event stream at least this often, so that proxies keep it open.',
  ),
});

const catalog = z.strictObject({
  refresh: setting(duration('1s', '24h'), '60s').describe("How often the bridge lists Dify's tools again."),
  loadTimeout: setting(duration('100ms', '10m'), '20s').describe(
    'How long tools/list and a call wait for the first catalogue.',
  ),
});

const manifest = z
  .strictObject({
    dir: optional(text, { env: 'DIFY_BRIDGE_MANIFEST', flag: '--manifest' }).describe(
      'Folder of approved tools to serve from; needs no admin key and no login.',
    ),
    frozen: setting(flag, false, { flag: '--frozen' }).describe(
      'Serve only tools that are unchanged since their approval.',
    ),
  })
  .refine(({ dir, frozen }) => dir !== undefined || !frozen, {
    path: ['frozen'],
    error: 'needs manifest.dir (--manifest), the folder with the approved tools',
  });

const calls = z.strictObject({
  timeout: setting(duration('1s', '24h'), '21m', { use: 'long' }).describe(
    'Time limit of one call. Dify itself stops a workflow after 20 minutes.',
  ),
  maxConcurrent: setting(wholeNumber(1, 1000), 8).describe(
    "Most calls that run in Dify at once. By default, Dify's api container accepts 10 connections.",
  ),
  maxQueued: setting(wholeNumber(0, 100_000), 100).describe(
    'Most calls that wait for a slot; further calls are refused.',
  ),
  maxFrameBytes: setting(size('1KiB', '512MiB'), '30MiB').describe('Largest single message of a tool.'),
  maxAnswerBytes: setting(size('1KiB', '1GiB'), '64MiB').describe(
    'Largest total size of the messages of one call, without its files.',
  ),
  maxMemoryBytes: optional(size('16MiB', '1024GiB')).describe(
    'Memory for the answers of all calls together until their clients have read them. Default: two fifths of the heap that Node.js may use, at most 256MiB.',
  ),
  progressInterval: setting(duration('100ms', '10m'), '15s', { use: 'long' }).describe(
    'The bridge reports progress at least this often while a tool is silent.',
  ),
  shutdownGrace: setting(duration('0s', '1h'), '10s', { use: 'operation' }).describe(
    'Time for running calls to finish when the bridge stops, or when a client over stdio ends its input.',
  ),
  keepResults: setting(duration('1s', '24h'), '1h', { use: 'long' }).describe(
    'How long clients can fetch the result of a call that was handed off or had an idempotency key.',
  ),
  maxKeptBytes: setting(size('1KiB', '16GiB'), '64MiB', { use: 'long' }).describe(
    'Memory for these results, in the bridge or in Redis; the oldest are evicted first.',
  ),
});

const log = z.strictObject({
  level: setting(choice(['debug', 'info', 'warn', 'error', 'silent']), 'info', {
    use: 'everyday',
    flag: '--log-level',
  }).describe('Log level. The log is JSON lines on standard error.'),
});

const admin = z.strictObject({
  port: optional(wholeNumber(0, 65_535)).describe(
    'Port of the admin server of `serve --http`: the status page, `/metrics`, `/livez` and `/readyz`; 0 chooses a free one. Without it, there is no admin server.',
  ),
  host: setting(text, '127.0.0.1').describe(
    'Address that the admin server listens on. Any address other than loopback requires admin.token, or admin.allowWithoutToken.',
  ),
  token: optional(key, { secret: true }).describe(
    'Bearer token for the status page and `/metrics`. A browser asks for it as a password, with any user name.',
  ),
  allowWithoutToken: setting(flag, false).describe(
    'Serve the status page and `/metrics` on an address other than loopback without a token.',
  ),
});

const audit = z.strictObject({
  file: optional(text).describe(
    'File of the audit log, which has one JSON line for each call. `stdout` is standard output, or standard error if standard output carries the protocol. Without it, there is no audit log.',
  ),
  maxFileBytes: setting(size('1KiB', '1024GiB'), '64MiB').describe(
    'Size at which the file is renamed and a new one begins.',
  ),
  maxFiles: setting(wholeNumber(0, 1000), 5).describe('Renamed files to keep; the oldest are deleted.'),
  arguments: setting(flag, false).describe(
    'Also write the arguments of each call, without known secrets and cut if they are long. By default, the log has only their hash.',
  ),
});

/** The limits of the whole process are the same for every workspace. */
const { maxMemoryBytes: _memory, shutdownGrace: _grace, ...ownCalls } = calls.shape;
const { streamsPerPrincipal: _streams, ...ownLimits } = limits.shape;

const workspaces = workspacesSetting({
  dify: dify.shape,
  catalog: catalog.shape,
  calls: ownCalls,
  limits: ownLimits,
});

/** Checks a complete configuration and parses its texts into numbers. */
export const settingsSchema = z
  .strictObject({
    dify: dify.prefault({}),
    http: http.prefault({}),
    signIn: signIn.prefault({}),
    oauth: oauth.prefault({}),
    catalog: catalog.prefault({}),
    tools: tools.prefault({}),
    views,
    workspaces,
    manifest: manifest.prefault({}),
    calls: calls.prefault({}),
    limits: limits.prefault({}),
    files: files.prefault({}),
    state: state.prefault({}),
    log: log.prefault({}),
    admin: admin.prefault({}),
    audit: audit.prefault({}),
  })
  .superRefine(checkOauth)
  .superRefine(checkSignIn);

/** Returns every setting, in the order of the file. */
export function settingsTable(): readonly Setting[] {
  return Object.entries(settingsSchema.shape).flatMap(([group, schema]): Setting[] => {
    const whole = settingAt(group, schema);
    if (whole !== undefined) return [whole];
    return Object.entries((schema as typeof settingsSchema.shape.log).unwrap().shape).map(([name, leaf]) => {
      const row = settingAt(`${group}.${name}`, leaf);
      if (row === undefined) throw new Error(`The setting ${group}.${name} is not in the table.`);
      return row;
    });
  });
}
