/**
 * The differences between Dify releases on the wire: one flag for each change that a client can see. Each release is the
 * first whose sources have the change; 1.17.0 was read in upstream's main of August 2026.
 */
export interface Features {
  /** An uploaded file has an address, which plugins need to fetch it (1.3.0). */
  readonly previewUrls: boolean;
  /** Workflow tools run only if the request carries a console login too (1.4.1 only). */
  readonly workflowsNeedLogin: boolean;
  /** Frames have a binary header (1.4.2); before that each frame is JSON and a blank line. */
  readonly lengthPrefixedFrames: boolean;
  /** The list of plugins has pages and a total (1.4.1 at the latest). */
  readonly pagedPlugins: boolean;
  /** Providers have an icon for dark backgrounds (1.6.0). */
  readonly darkIcons: boolean;
  /** Tools of MCP servers (1.6.0). */
  readonly mcpTools: boolean;
  /** A provider has several credentials, and a call may choose one (1.7.0). */
  readonly credentialLists: boolean;
  /** Custom API tools send an object as `json` before `text`; plugin errors carry a request id (1.7.2). */
  readonly apiJsonMessages: boolean;
  /**
   * The inner API resolves tenant and user before it checks the key; a wrong password gives 401 (1.8.0).
   */
  readonly tenantBeforeKey: boolean;
  /** Messages with the sources of a retrieval; before, Dify cannot read them (1.7.0). */
  readonly retrieverResources: boolean;
  /** An unknown `user_id` creates an end user (1.9.0); before, it is refused. */
  readonly createsEndUsers: boolean;
  /** The anonymous user is refused, because its name is not a UUID (1.9.0 only). */
  readonly refusesAnonymous: boolean;
  /** Errors are written by flask-restx: a 500 has its status, a 404 the paths that might be meant (1.8.0). */
  readonly restxErrors: boolean;
  /** The console keeps tokens in cookies and requires a CSRF header (1.9.2). */
  readonly cookieSessions: boolean;
  /** `json` messages have `suppress_output` (1.10.0). */
  readonly suppressOutput: boolean;
  /** The route of the current workspace takes POST (1.10.1) instead of GET. */
  readonly currentWorkspaceByPost: boolean;
  /** Workflow tools send `variable` messages and declare their outputs (1.11.0). */
  readonly workflowOutputs: boolean;
  /** The password is sent as Base64 (1.11.2). */
  readonly base64Password: boolean;
  /** The current workspace reports its credits (1.11.3). */
  readonly creditPool: boolean;
  /** `json` messages may contain a list (1.12.0); before, Dify empties them. */
  readonly jsonLists: boolean;
  /** Workflow tools cannot return files at all (1.12.0 and 1.12.1). */
  readonly brokenFileOutputs: boolean;
  /** The inner API gives signed addresses of files (1.15.0). */
  readonly downloadRequests: boolean;
  /** The account's workspaces report when they were last opened (1.15.0). */
  readonly lastOpenedAt: boolean;
  /** The current workspace reports when its credits ran out (1.16.0). */
  readonly creditsExhaustedAt: boolean;
  /** Messages with a stored file have its id in `meta` (1.14.0). */
  readonly fileIdsInMeta: boolean;
  /** A file of a message is named by a reference without its workspace (1.14.0). */
  readonly fileReferences: boolean;
  /** The answer to an upload has the reference too (1.15.0). */
  readonly uploadReferences: boolean;
  /** A stored file takes the extension of its name instead of that of its type (1.16.0). */
  readonly namedExtensions: boolean;
  /** Credentials say who may use them (1.15.0). */
  readonly credentialVisibility: boolean;
  /** MCP servers have an `identity_mode` (1.15.0). */
  readonly identityMode: boolean;
  /** Parameters have a null for an absent `input_schema` in lists too (1.16.0). */
  readonly nullInputSchemas: boolean;
  /** Parameters have `multiple` (1.16.1). */
  readonly multipleSelects: boolean;
  /** Workflows run in Dify's worker: their streams begin with a ping and give a reason (seen after 1.12.1). */
  readonly workersRun: boolean;
  /** A signed link to a deleted file gives 404 instead of 415 (1.13.1). */
  readonly goneIsNotFound: boolean;
  /** Tool nodes take form values as inputs with a type (1.7.0) instead of plain values. */
  readonly formInputs: boolean;
  /** A tool node passes on links that are no files, and keeps booleans of type `any` (1.8.0). */
  readonly nodeLinks: boolean;
  /** The run of a node reports a tool without credentials as failed (1.9.0) instead of refusing it with 400. */
  readonly failedLookups: boolean;
  /** The run of a node names variables by their selector (1.9.0) instead of by the parameter. */
  readonly selectorKeys: boolean;
  /** A draft can be saved without environment variables (1.11.0). */
  readonly optionalEnvironment: boolean;
  /** A draft that others have changed gives 409 (1.12.0) instead of 400. */
  readonly conflictStatus: boolean;
  /** A draft cannot be saved with environment variables (1.17.0). */
  readonly noEnvironment: boolean;
  /** The route of the current workspace is gone; a summary route replaces it (1.17.0). */
  readonly workspaceSummary: boolean;
}

/** Returns the wire behaviour of a release such as `1.12.1`. */
export function featuresOf(version: string): Features {
  const since = (release: string): boolean => compareReleases(version, release) >= 0;
  return {
    previewUrls: since('1.3.0'),
    workflowsNeedLogin: since('1.4.1') && !since('1.4.2'),
    lengthPrefixedFrames: since('1.4.2'),
    pagedPlugins: since('1.4.1'),
    darkIcons: since('1.6.0'),
    mcpTools: since('1.6.0'),
    credentialLists: since('1.7.0'),
    apiJsonMessages: since('1.7.2'),
    tenantBeforeKey: since('1.8.0'),
    retrieverResources: since('1.7.0'),
    createsEndUsers: since('1.9.0'),
    refusesAnonymous: since('1.9.0') && !since('1.9.1'),
    restxErrors: since('1.8.0'),
    cookieSessions: since('1.9.2'),
    suppressOutput: since('1.10.0'),
    currentWorkspaceByPost: since('1.10.1'),
    workflowOutputs: since('1.11.0'),
    base64Password: since('1.11.2'),
    creditPool: since('1.11.3'),
    jsonLists: since('1.12.0'),
    brokenFileOutputs: since('1.12.0') && !since('1.13.0'),
    downloadRequests: since('1.15.0'),
    lastOpenedAt: since('1.15.0'),
    creditsExhaustedAt: since('1.16.0'),
    fileIdsInMeta: since('1.14.0'),
    fileReferences: since('1.14.0'),
    uploadReferences: since('1.15.0'),
    namedExtensions: since('1.16.0'),
    credentialVisibility: since('1.15.0'),
    identityMode: since('1.15.0'),
    nullInputSchemas: since('1.16.0'),
    multipleSelects: since('1.16.1'),
    workersRun: since('1.13.0'),
    goneIsNotFound: since('1.13.1'),
    formInputs: since('1.7.0'),
    nodeLinks: since('1.8.0'),
    failedLookups: since('1.9.0'),
    selectorKeys: since('1.9.0'),
    optionalEnvironment: since('1.11.0'),
    conflictStatus: since('1.12.0'),
    noEnvironment: since('1.17.0'),
    workspaceSummary: since('1.17.0'),
  };
}

function compareReleases(left: string, right: string): number {
  const numbers = (release: string): number[] =>
    release.split('.').map((part) => Number.parseInt(part, 10) || 0);
  const a = numbers(left);
  const b = numbers(right);
  for (let index = 0; index < 3; index += 1) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
