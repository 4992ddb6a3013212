/**
 * The differences between Dify releases on the wire, each with the first release whose sources have it, and the first one
 * without it again. 1.17.0 was read in upstream's main of August 2026.
 */
const RELEASES = {
  /** An uploaded file has an address, which plugins need to fetch it. */
  previewUrls: ['1.3.0'],
  /** Workflow tools run only if the request carries a console login too. */
  workflowsNeedLogin: ['1.4.1', '1.4.2'],
  /** Frames have a binary header; before that each frame is JSON and a blank line. */
  lengthPrefixedFrames: ['1.4.2'],
  /** The list of plugins has pages and a total (1.4.1 at the latest). */
  pagedPlugins: ['1.4.1'],
  /** Providers have an icon for dark backgrounds. */
  darkIcons: ['1.6.0'],
  /** Tools of MCP servers. */
  mcpTools: ['1.6.0'],
  /** A provider has several credentials, and a call may choose one. */
  credentialLists: ['1.7.0'],
  /** Custom API tools send an object as `json` before `text`; plugin errors carry a request id. */
  apiJsonMessages: ['1.7.2'],
  /** The inner API resolves tenant and user before it checks the key; a wrong password gives 401. */
  tenantBeforeKey: ['1.8.0'],
  /** Messages with the sources of a retrieval; before, Dify cannot read them. */
  retrieverResources: ['1.7.0'],
  /** An unknown `user_id` creates an end user; before, it is refused. */
  createsEndUsers: ['1.9.0'],
  /** The anonymous user is refused, because its name is not a UUID. */
  refusesAnonymous: ['1.9.0', '1.9.1'],
  /** Errors are written by flask-restx: a 500 has its status, a 404 the paths that might be meant. */
  restxErrors: ['1.8.0'],
  /** The console keeps tokens in cookies and requires a CSRF header. */
  cookieSessions: ['1.9.2'],
  /** `json` messages have `suppress_output`. */
  suppressOutput: ['1.10.0'],
  /** The route of the current workspace takes POST instead of GET. */
  currentWorkspaceByPost: ['1.10.1'],
  /** Workflow tools send `variable` messages and declare their outputs. */
  workflowOutputs: ['1.11.0'],
  /** The password is sent as Base64. */
  base64Password: ['1.11.2'],
  /** The current workspace reports its credits. */
  creditPool: ['1.11.3'],
  /** `json` messages may contain a list; before, Dify empties them. */
  jsonLists: ['1.12.0'],
  /** Workflow tools cannot return files at all (1.12.0 and 1.12.1). */
  brokenFileOutputs: ['1.12.0', '1.13.0'],
  /** The inner API gives signed addresses of files. */
  downloadRequests: ['1.15.0'],
  /** The account's workspaces report when they were last opened. */
  lastOpenedAt: ['1.15.0'],
  /** The current workspace reports when its credits ran out. */
  creditsExhaustedAt: ['1.16.0'],
  /** Messages with a stored file have its id in `meta`. */
  fileIdsInMeta: ['1.14.0'],
  /** A file of a message is named by a reference without its workspace. */
  fileReferences: ['1.14.0'],
  /** The answer to an upload has the reference too. */
  uploadReferences: ['1.15.0'],
  /** A stored file takes the extension of its name instead of that of its type. */
  namedExtensions: ['1.16.0'],
  /** Credentials say who may use them. */
  credentialVisibility: ['1.15.0'],
  /** MCP servers have an `identity_mode`. */
  identityMode: ['1.15.0'],
  /** Parameters have a null for an absent `input_schema` in lists too. */
  nullInputSchemas: ['1.16.0'],
  /** Parameters have `multiple`. */
  multipleSelects: ['1.16.1'],
  /** Workflows run in Dify's worker: their streams begin with a ping and give a reason (seen after 1.12.1). */
  workersRun: ['1.13.0'],
  /** A signed link to a deleted file gives 404 instead of 415. */
  goneIsNotFound: ['1.13.1'],
  /** Tool nodes take form values as inputs with a type instead of plain values. */
  formInputs: ['1.7.0'],
  /** A tool node passes on links that are no files, and keeps booleans of type `any`. */
  nodeLinks: ['1.8.0'],
  /** The run of a node reports a tool without credentials as failed instead of refusing it with 400. */
  failedLookups: ['1.9.0'],
  /** The run of a node names variables by their selector instead of by the parameter. */
  selectorKeys: ['1.9.0'],
  /** A draft can be saved without environment variables. */
  optionalEnvironment: ['1.11.0'],
  /** A draft that others have changed gives 409 instead of 400. */
  conflictStatus: ['1.12.0'],
  /** A draft cannot be saved with environment variables. */
  noEnvironment: ['1.17.0'],
  /** The route of the current workspace is gone; a summary route replaces it. */
  workspaceSummary: ['1.17.0'],
} as const satisfies Readonly<Record<string, readonly [since: string, until?: string]>>;

export type Features = Readonly<Record<keyof typeof RELEASES, boolean>>;

/** Returns the wire behaviour of a release such as `1.12.1`. */
export function featuresOf(version: string): Features {
  const { compare } = new Intl.Collator('en', { numeric: true });
  const isSince = (release: string): boolean => compare(version, release) >= 0;
  const entries = Object.entries<readonly [string, string?]>(RELEASES).map(([name, [since, until]]) => [
    name,
    isSince(since) && (until === undefined || !isSince(until)),
  ]);
  return Object.fromEntries(entries) as Features;
}
