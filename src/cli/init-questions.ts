import { httpUrl } from '../config/fields.ts';
import { createConsole } from '../dify/console/console.ts';
import type { Workspace } from '../dify/console/workspaces.ts';
import { probeDownloadRequest } from '../dify/inner/probe.ts';
import { createDifyHttp, type DifyHttp } from '../dify/wire/http.ts';
import { forEachBounded } from '../model/async.ts';
import { BridgeError } from '../model/errors.ts';
import { PROVIDER_TYPES } from '../model/tool.ts';
import { emailProblem, keyProblem } from '../setup/answer-forms.ts';
import {
  checkAddress,
  checkInnerKey,
  checkListing,
  checkSecretKey,
  chosenWorkspace,
  type Credential,
  findWorkspaces,
  type ReachableWorkspaces,
} from '../setup/checks.ts';
import type { Answers } from '../setup/config-text.ts';
import type { DifyEnvironment } from '../setup/dify-env-file.ts';
import { askUntil, type SignInTalk } from '../setup/sign-in-talk.ts';
import { type Given, readEnvFile } from './init-sources.ts';
import { count } from './output.ts';
import type { Prompter } from './prompter.ts';

/** After three refused logins, three more remain before Dify locks the account for a day. */
const MAX_LOGINS = 3;
/** Workspaces whose tools are counted for the question; more would take long. */
const MAX_COUNTED = 10;
const CONCURRENCY = 4;

const TYPED = 'type the keys';

/** The source of the answers, and the recipients of what becomes known. */
export interface Interview extends Pick<SignInTalk, 'signal' | 'note' | 'show'> {
  /** Undefined if nobody can be asked: the given values must suffice. */
  readonly asker: Prompter | undefined;
  /** Returns the given values, once Dify's file has been read. */
  gather(file: DifyEnvironment | undefined): Given;
  /** False omits files without asking. */
  readonly files: boolean;
  /** Called when a connection exists that must be closed. */
  opened(http: DifyHttp): void;
}

/** Asks for missing values, and checks every answer against the running Dify. */
export async function interview(talk: Interview, file: DifyEnvironment | undefined): Promise<Answers> {
  const { note, signal } = talk;
  const known = talk.gather(file);
  const { apiUrl, http, version } = await askUntil(talk, {
    given: known.apiUrl,
    ask: (person) => person.text("Where is Dify's api service?", 'http://127.0.0.1:5001'),
    check: async (text) => {
      const { url, http } = open(text);
      talk.opened(http);
      for (const secret of secretsOf(known)) http.secrets.remember(secret);
      return { apiUrl: url, http, version: await checkAddress(http, signal) };
    },
  });
  note(`Dify ${version ?? 'of an unknown version'} answers at ${apiUrl}.`);

  const given = file === undefined ? await withKeys(talk, known) : known;
  for (const secret of secretsOf(given)) http.secrets.remember(secret);
  const { credential, found } = await askCredential(talk, http, given.credential);
  const choices = await workspaceChoices(talk, http, credential, found);
  const workspace = await askUntil(talk, {
    given: given.workspace ?? obviousOf(talk, found),
    ask: (person) => person.select('Which workspace?', choices),
    check: async (wanted) => {
      const chosen = chosenWorkspace(found, wanted);
      await checkListing(http, credential, chosen, signal);
      return chosen;
    },
  });
  note(`Workspace ${JSON.stringify(workspace.name)} (${workspace.id}).`);
  // Dify checks the workspace before the key, so the key can be checked only now.
  const innerApiKey = await askUntil(talk, {
    given: given.innerApiKey,
    ask: (person) =>
      person.secret("PLUGIN_DIFY_INNER_API_KEY of Dify's .env (not shown)", { check: keyProblem }),
    check: async (key) => {
      await checkInnerKey(http, key, workspace, signal);
      return key;
    },
  });
  // Since 1.15, Dify gives files of results without the secret key.
  const isNeedless = await probeDownloadRequest(http, { innerApiKey, tenantId: workspace.id }, signal);
  const secretKey = isNeedless ? undefined : await signing(talk, http, given.secretKey);
  return { apiUrl, version, innerApiKey, credential, workspace, secretKey, isNeedless };
}

/** Returns what no message may show, sent or not. */
function secretsOf({ innerApiKey, credential, secretKey }: Given): readonly string[] {
  const credentials = credential?.kind === 'login' ? credential.password : credential?.key;
  return [innerApiKey, credentials, secretKey].filter((secret) => secret !== undefined);
}

/** Dify's file has all keys, so offer it before asking for any key. */
async function withKeys(talk: Interview, given: Given): Promise<Given> {
  const { asker, note } = talk;
  if (asker === undefined || (given.innerApiKey !== undefined && given.credential !== undefined))
    return given;
  const file = await askUntil(talk, {
    given: undefined,
    ask: (person) =>
      person.text("Path of Dify's docker/.env, to read the keys, or Enter to type them", TYPED),
    check: async (path) => (path === TYPED ? undefined : readEnvFile(path)),
  });
  for (const { path, message } of file?.remarks ?? []) note(`${path} ${message}.`);
  return talk.gather(file);
}

interface Listing {
  readonly credential: Credential;
  readonly found: ReachableWorkspaces;
}

/** Asks how the bridge lists the tools. A key or a password that Dify refuses is asked for again. */
async function askCredential(
  talk: Interview,
  http: DifyHttp,
  given: Credential | undefined,
): Promise<Listing> {
  const { asker, signal } = talk;
  const kind =
    given?.kind ??
    (await asker?.select<Credential['kind']>('How will the bridge list the tools?', [
      { value: 'admin-key', label: 'With the admin key', hint: 'ADMIN_API_KEY, ADMIN_API_KEY_ENABLE=true' },
      { value: 'login', label: 'With the login of an account', hint: 'ideally one used only by the bridge' },
    ]));
  let attempts = 0;
  return askUntil<Credential, Listing>(talk, {
    given,
    ask: async (person) => {
      if (kind === 'admin-key') {
        return { kind, key: await person.secret('ADMIN_API_KEY of Dify (not shown)', { check: keyProblem }) };
      }
      const email = await person.text('E-mail address of the account', undefined, emailProblem);
      return {
        kind: 'login',
        email,
        password: await person.secret('Its password (not shown)', { exact: true }),
      };
    },
    check: async (credential) => {
      if (credential.kind === 'login') attempts += 1;
      return { credential, found: await findWorkspaces(http, credential, signal) };
    },
    isOver: () => attempts >= MAX_LOGINS,
  });
}

/** Returns the workspaces to choose from, with the number of tools if the admin key can list them. */
async function workspaceChoices(
  { asker, signal }: Interview,
  http: DifyHttp,
  credential: Credential,
  { workspaces }: ReachableWorkspaces,
) {
  const tools = new Map<string, number>();
  const isCounted = workspaces.length > 1 && workspaces.length <= MAX_COUNTED;
  if (asker !== undefined && isCounted && credential.kind === 'admin-key') {
    await forEachBounded(workspaces, CONCURRENCY, async ({ id }) => {
      const console = createConsole(http, { ...credential, workspaceId: id });
      const lists = PROVIDER_TYPES.map((type) => console.listTools(type, signal));
      // The number is only a hint.
      const listed = await Promise.all(lists).catch(() => []);
      const providers = listed.flatMap((one) => one?.providers ?? []);
      if (listed.length > 0)
        tools.set(
          id,
          providers.reduce((sum, one) => sum + one.tools.length, 0),
        );
    });
  }
  const hintOf = ({ id }: Workspace): string => {
    const number = tools.get(id);
    return number === undefined ? id : count(number, 'tool');
  };
  return workspaces.map((one) => ({ value: one.id, label: one.name, hint: hintOf(one) }));
}

/** Asks for the key that signs the links to files, on a Dify that needs it. */
async function signing(
  talk: Interview,
  http: DifyHttp,
  given: string | undefined,
): Promise<string | undefined> {
  const { asker, files, note, signal } = talk;
  if (!files || (asker === undefined && given === undefined)) return undefined;
  if (given === undefined) {
    const question = 'Fetch the files of results, such as images? This Dify needs its SECRET_KEY for it.';
    if ((await asker?.confirm(question, true)) !== true) {
      note('Skipped: files of results. Run init again to add SECRET_KEY.');
      return undefined;
    }
  }
  return askUntil(talk, {
    given,
    ask: (person) => person.secret("SECRET_KEY of Dify's .env (not shown)", { check: keyProblem }),
    check: async (key) => {
      await checkSecretKey(http, key, signal);
      return key;
    },
  });
}

function open(text: string): { readonly url: string; readonly http: DifyHttp } {
  const parsed = httpUrl.safeParse(text);
  if (parsed.success) return { url: parsed.data, http: createDifyHttp({ baseUrl: parsed.data }) };
  throw new BridgeError('usage', `The address of Dify: ${parsed.error.issues[0]?.message}.`, {
    hint: 'For example http://127.0.0.1:5001, or http://api:5001 next to the containers of Dify.',
  });
}

/** Returns the only workspace. Throws if there are several and nobody can be asked. */
function obviousOf({ asker }: Interview, found: ReachableWorkspaces): string | undefined {
  if (asker !== undefined && found.workspaces.length > 1) return undefined;
  return chosenWorkspace(found, undefined).id;
}
