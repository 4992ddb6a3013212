import type { AccountConnection, DifyConnection, InnerConnection } from '../config/connection.ts';
import type { Config } from '../config/schema.ts';
import { accountSession } from '../dify/account/account-session.ts';
import { BridgeApp } from '../dify/account/bridge-app.ts';
import { createAccountInvoker } from '../dify/account/invoker.ts';
import { createAccountUploader } from '../dify/account/upload.ts';
import { WorkflowRuns } from '../dify/account/workflow-runs.ts';
import { createConsole, type DifyConsole } from '../dify/console/console.ts';
import { createConsoleSession } from '../dify/console/session.ts';
import { createFileOpener } from '../dify/files/opener.ts';
import { createFileUploader } from '../dify/files/upload.ts';
import { createInvoker } from '../dify/inner/invoker.ts';
import { createDifyHttp, type DifyHttp } from '../dify/wire/http.ts';
import type { FileOpener, FileUploader, Invoker } from '../model/ports.ts';

/** What reaches one Dify, by the inner API or as an account. */
export interface Road {
  readonly invoker: Invoker;
  readonly opener: FileOpener;
  readonly uploader: FileUploader;
  /** Lists the tools; undefined if they come only from a manifest. */
  readonly console: DifyConsole | undefined;
  /** The `user_id` on the wire. */
  readonly userId: string;
  close(): Promise<void>;
}

/** Returns the road that the configuration chooses. Sends nothing before the first call. */
export function openRoad(config: Config, http: DifyHttp, connection: DifyConnection): Road {
  return connection.account === undefined
    ? openInnerRoad(config, http, connection)
    : openAccountRoad(config, http, connection);
}

function openInnerRoad({ calls }: Config, http: DifyHttp, connection: InnerConnection): Road {
  const { innerApiKey, workspaceId: tenantId, secretKey, userId } = connection;
  const { maxFrameBytes, maxAnswerBytes } = calls;
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
    close: async () => undefined,
  };
}

function openAccountRoad({ calls }: Config, http: DifyHttp, connection: AccountConnection): Road {
  const { session, console, app } = openAccount(http, connection);
  const { maxFrameBytes: maxEventBytes, maxAnswerBytes } = calls;
  const workflows = new WorkflowRuns(session, maxEventBytes);
  // Without the account's tokens, which the file host must not get.
  const files = createDifyHttp({ baseUrl: connection.account.filesUrl, secrets: http.secrets });
  return {
    invoker: createAccountInvoker({ session, app, workflows, maxAnswerBytes }),
    opener: createFileOpener(files, {}),
    uploader: createAccountUploader(session),
    console,
    userId: '',
    close: () => files.close(),
  };
}

/** Returns the account's console and its app, with one login for both. */
export function openAccount(http: DifyHttp, connection: AccountConnection) {
  const session = accountSession(createConsoleSession(http, connection.console));
  const console = createConsole(http, connection.console, undefined, session);
  const app = new BridgeApp({
    session,
    checkWorkspace: (signal) => console.currentWorkspace(signal),
    mayCreate: connection.account.createApp,
  });
  return { session, console, app };
}
