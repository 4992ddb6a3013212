import type { AccountConnection, DifyConnection, InnerConnection } from '../config/connection.ts';
import type { Config } from '../config/schema.ts';
import { workspaceTexts } from '../config/workspace-texts.ts';
import { accountSession } from '../dify/account/account-session.ts';
import { BridgeApp } from '../dify/account/bridge-app.ts';
import { createAccountInvoker } from '../dify/account/invoker.ts';
import { createAccountUploader } from '../dify/account/upload.ts';
import { WorkflowRuns } from '../dify/account/workflow-runs.ts';
import { createConsole, type DifyConsole } from '../dify/console/console.ts';
import { createConsoleSession } from '../dify/console/session.ts';
import { createFileOpener } from '../dify/files/opener.ts';
import { createFileUploader } from '../dify/files/upload.ts';
import { endUserFile } from '../dify/inner/end-user-file.ts';
import { DifyEndUsers } from '../dify/inner/end-users.ts';
import { createInvoker } from '../dify/inner/invoker.ts';
import { createDifyHttp, type DifyHttp } from '../dify/wire/http.ts';
import { createLoginStore, type LoginStore } from '../logins/login-store.ts';
import { settlesWithin } from '../model/async.ts';
import { BridgeError } from '../model/errors.ts';
import type { Logger } from '../model/logger.ts';
import type { EndUserRecords, EndUsers, FileOpener, FileUploader, Invoker } from '../model/ports.ts';
import { recordsPath } from './files.ts';

/** How long closing waits for the renewal of a login, in milliseconds. An interrupted one may lose the login. */
const RENEWAL_MS = 5_000;

/** What reaches one Dify, by the inner API or as an account. */
export interface Road {
  readonly invoker: Invoker;
  readonly opener: FileOpener;
  readonly uploader: FileUploader;
  /** Lists the tools; undefined if they come only from a manifest. */
  readonly console: DifyConsole | undefined;
  /** The `user_id` on the wire. */
  readonly userId: string;
  /** Replaces `userId` by an end user for each principal. */
  readonly endUsers?: EndUsers | undefined;
  close(): Promise<void>;
}

/** What several processes share. */
export interface SharedRecords {
  /** Replace the tokens in the file of a stored login. */
  readonly tokens?: LoginStore | undefined;
  /** Replace the file of end users. */
  readonly endUsers?: EndUserRecords | undefined;
}

/** Returns the road that the configuration chooses. Sends nothing before the first call. */
export function openRoad(
  config: Config,
  http: DifyHttp,
  connection: DifyConnection,
  logger: Logger,
  { tokens, endUsers }: SharedRecords = {},
): Road {
  const road =
    connection.account === undefined
      ? openInnerRoad(config, http, connection, logger, endUsers)
      : openAccountRoad(config, http, connection, logger, tokens);
  const change = workspaceTexts(config);
  return change === undefined ? road : withTexts(road, change);
}

/** Returns a road whose errors have other texts. */
function withTexts(road: Road, change: (text: string) => string): Road {
  const { invoker, opener, uploader, console, endUsers } = road;
  const fail = (error: unknown): never => {
    throw error instanceof BridgeError ? error.withTexts(change) : error;
  };
  const methods = Object.entries(console ?? {}) as [string, (...args: unknown[]) => Promise<unknown>][];
  const named = methods.map(([name, run]) => [name, (...args: unknown[]) => run(...args).catch(fail)]);
  return {
    ...road,
    invoker: {
      stopsWorkflows: invoker.stopsWorkflows,
      async *invoke(...call) {
        try {
          yield* invoker.invoke(...call);
        } catch (error) {
          fail(error);
        }
      },
    },
    opener: {
      isSignedLink: (text) => opener.isSignedLink(text),
      async open(...file) {
        const opened = await opener.open(...file).catch(fail);
        return opened.kind === 'unavailable' ? { ...opened, reason: change(opened.reason) } : opened;
      },
    },
    uploader: {
      upload: (...file) => uploader.upload(...file).catch(fail),
      refer: (file) => uploader.refer(file),
    },
    console: console && (Object.fromEntries(named) as DifyConsole),
    endUsers: endUsers && { idOf: (...principal) => endUsers.idOf(...principal).catch(fail) },
  };
}

function openInnerRoad(
  config: Config,
  http: DifyHttp,
  connection: InnerConnection,
  logger: Logger,
  records: EndUserRecords = endUserFile(recordsPath(config, 'end-users'), logger),
): Road {
  const { innerApiKey, workspaceId: tenantId, secretKey, userId } = connection;
  const { maxFrameBytes, maxAnswerBytes } = config.calls;
  const difyConsole = connection.console && createConsole(http, connection.console);
  return {
    invoker: createInvoker(http, {
      innerApiKey,
      tenantId,
      consoleHeaders: difyConsole?.headers,
      maxFrameBytes,
      maxAnswerBytes,
    }),
    opener: createFileOpener(http, { innerApiKey, tenantId, secretKey }),
    uploader: createFileUploader(http, { innerApiKey, tenantId }),
    console: difyConsole,
    userId,
    endUsers: config.dify.userPerPrincipal
      ? new DifyEndUsers(http, { innerApiKey, tenantId, records, logger })
      : undefined,
    close: async () => undefined,
  };
}

function openAccountRoad(
  { calls }: Config,
  http: DifyHttp,
  connection: AccountConnection,
  logger: Logger,
  tokens: LoginStore | undefined,
): Road {
  const { session, console, app, settled } = openAccount(http, connection, logger, tokens);
  const { maxFrameBytes: maxEventBytes, maxAnswerBytes } = calls;
  const workflows = new WorkflowRuns(session, maxEventBytes);
  // Without the account's tokens, which the file host must not get.
  const files = createDifyHttp({
    baseUrl: connection.account.filesUrl,
    secrets: http.secrets,
    meter: http.meter,
  });
  return {
    invoker: createAccountInvoker({ session, app, workflows, maxAnswerBytes }),
    opener: createFileOpener(files, {}),
    uploader: createAccountUploader(session),
    console,
    userId: '',
    close: async () => {
      await settled();
      await files.close();
    },
  };
}

/** Returns the account's console and its app, with one login for both. */
export function openAccount(
  http: DifyHttp,
  connection: AccountConnection,
  logger?: Logger,
  tokens?: LoginStore,
) {
  const given = connection.console;
  const credentials =
    given.kind === 'stored'
      ? { ...given, store: tokens ?? createLoginStore(given.file, given, logger) }
      : given;
  const session = accountSession(createConsoleSession(http, credentials));
  const console = createConsole(http, credentials, undefined, session);
  const app = new BridgeApp({
    session,
    checkWorkspace: (signal) => console.currentWorkspace(signal),
    mayCreate: connection.account.createApp,
  });
  /** Resolves when the login can be closed without loss. */
  const settled = async (): Promise<void> => {
    if (credentials.kind === 'stored') await settlesWithin(credentials.store.settled(), RENEWAL_MS);
  };
  return { session, console, app, settled };
}
