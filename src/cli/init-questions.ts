import { httpUrl } from '../config/fields.ts';
import { createDifyHttp, type DifyHttp } from '../dify/wire/http.ts';
import { BridgeError } from '../model/errors.ts';
import {
  checkAddress,
  checkInnerKey,
  checkListing,
  checkSecretKey,
  chosenWorkspace,
  type Credential,
  findWorkspaces,
  givesFileAddresses,
  type ReachableWorkspaces,
} from '../setup/checks.ts';
import type { Answers } from '../setup/config-text.ts';
import type { DifyEnvironment } from '../setup/dify-env-file.ts';
import { type Given, readEnvFile } from './init-sources.ts';
import type { Output } from './output.ts';
import type { Prompter } from './prompter.ts';

/** After three refused logins, three more remain before Dify locks the account for a day. */
const MAX_LOGINS = 3;

const INNER_KEY = "2/5  PLUGIN_DIFY_INNER_API_KEY of Dify's .env (not shown)";

/** The source of the answers, and the recipients of what becomes known. */
export interface Interview {
  /** Undefined if nobody can be asked: the given values must suffice. */
  readonly prompter: Prompter | undefined;
  readonly output: Output;
  readonly signal: AbortSignal;
  /** Returns the given values, once Dify's file has been read. */
  gather(file: DifyEnvironment | undefined): Given;
  /** False omits files without asking. */
  readonly files: boolean;
  /** Called when a connection exists that must be closed. */
  opened(http: DifyHttp): void;
}

/** Asks for missing values, and checks every answer against the running Dify. */
export async function interview(talk: Interview, file: DifyEnvironment | undefined): Promise<Answers> {
  const known = talk.gather(file);
  const { apiUrl, http, version } = await settle(talk, {
    given: known.apiUrl,
    ask: (ask) => ask.text('1/5  Where is the api service of Dify?', 'http://127.0.0.1:5001'),
    check: async (text) => {
      const { url, http } = open(text);
      talk.opened(http);
      for (const secret of secretsOf(known)) http.secrets.remember(secret);
      return { apiUrl: url, http, version: await checkAddress(http, talk.signal) };
    },
  });
  inform(talk, `Dify ${version ?? 'of an unknown version'} answers at ${apiUrl}.`);

  const given = file === undefined ? await withKeys(talk, known) : known;
  for (const secret of secretsOf(given)) http.secrets.remember(secret);
  const typedKey = given.innerApiKey ?? (await talk.prompter?.secret(INNER_KEY));
  let attempts = 0;
  const { credential, found } = await settle(talk, {
    given: given.credential,
    ask: askCredential,
    check: async (credential) => {
      if (credential.kind === 'login') attempts += 1;
      return { credential, found: await findWorkspaces(http, credential, talk.signal) };
    },
    enough: () => attempts >= MAX_LOGINS,
  });
  const choices = found.workspaces.map(({ id, name }) => ({ value: id, label: name, hint: id }));
  const workspace = await settle(talk, {
    given: given.workspace ?? obviousOf(talk, found),
    ask: (ask) => ask.select('3/5  Which workspace?', choices),
    check: async (asked) => {
      const chosen = chosenWorkspace(found, asked);
      await checkListing(http, credential, chosen, talk.signal);
      return chosen;
    },
  });
  inform(talk, `Workspace ${JSON.stringify(workspace.name)} (${workspace.id}).`);
  const innerApiKey = await settle(talk, {
    // Dify checks the workspace before the key, so the key can be checked only now.
    given: typedKey,
    ask: (ask) => ask.secret(INNER_KEY),
    check: async (key) => {
      await checkInnerKey(http, key, workspace, talk.signal);
      return key;
    },
  });
  const secretKey = await signing(talk, http, given.secretKey, () =>
    givesFileAddresses(http, innerApiKey, workspace, talk.signal),
  );
  return { apiUrl, version, innerApiKey, credential, workspace, secretKey };
}

/** Returns what no message may show, sent or not. */
function secretsOf({ innerApiKey, credential, secretKey }: Given): readonly string[] {
  const credentials = credential?.kind === 'login' ? credential.password : credential?.key;
  return [innerApiKey, credentials, secretKey].filter((secret) => secret !== undefined);
}

/** Dify's file has all keys, so offer it before asking for any key. */
async function withKeys(talk: Interview, given: Given): Promise<Given> {
  const { prompter } = talk;
  if (prompter === undefined || (given.innerApiKey !== undefined && given.credential !== undefined))
    return given;
  const fromFile = await prompter.select('2/5  Where do the keys of Dify come from?', [
    { value: true, label: "Dify's .env file", hint: 'docker/.env, if it can be read from here' },
    { value: false, label: 'I type them' },
  ]);
  if (!fromFile) return given;
  const file = await settle(talk, {
    given: undefined,
    ask: (ask) => ask.text('2/5  Which file?', 'docker/.env'),
    check: readEnvFile,
  });
  for (const { path, message } of file.remarks) inform(talk, `${path} ${message}.`);
  return talk.gather(file);
}

async function askCredential(ask: Prompter): Promise<Credential> {
  const kind = await ask.select<Credential['kind']>('2/5  How will the bridge list the tools?', [
    { value: 'admin-key', label: 'With the admin key', hint: 'ADMIN_API_KEY, ADMIN_API_KEY_ENABLE=true' },
    { value: 'login', label: 'With the login of an account', hint: 'ideally one used only by the bridge' },
  ]);
  if (kind === 'admin-key') return { kind, key: await ask.secret('2/5  ADMIN_API_KEY of Dify (not shown)') };
  const email = await ask.text('2/5  E-mail address of the account');
  return { kind, email, password: await ask.secret('2/5  Its password (not shown)') };
}

async function signing(
  talk: Interview,
  http: DifyHttp,
  given: string | undefined,
  isNeedless: () => Promise<boolean>,
): Promise<string | undefined> {
  const { prompter, files, signal } = talk;
  if (!files) return undefined;
  if (prompter === undefined && given === undefined) return undefined;
  if (given === undefined && (await isNeedless())) {
    inform(talk, 'This Dify provides the files of results without SECRET_KEY.');
    return undefined;
  }
  if (prompter !== undefined) {
    const question = "4/5  Fetch the files of results, such as images? This needs Dify's SECRET_KEY.";
    if (!(await prompter.confirm(question, true))) return undefined;
  }
  return settle(talk, {
    given,
    ask: (ask) => ask.secret("4/5  SECRET_KEY of Dify's .env (not shown)"),
    check: async (key) => {
      await checkSecretKey(http, key, signal);
      return key;
    },
  });
}

interface Question<T, R> {
  readonly given: T | undefined;
  readonly ask: (prompter: Prompter) => Promise<T>;
  readonly check: (answer: T) => Promise<R>;
  /** Returns true if no further attempt should follow. */
  readonly enough?: () => boolean;
}

/**
 * Returns the checked answer. Shows the error of an invalid answer and asks again if a person is present;
 * throws it otherwise.
 */
async function settle<T, R>(talk: Interview, { given, ask, check, enough }: Question<T, R>): Promise<R> {
  const { prompter, output, signal } = talk;
  let answer = given;
  for (;;) {
    if (answer === undefined && prompter === undefined) throw new Error('Nobody can be asked.');
    answer ??= await ask(prompter as Prompter);
    try {
      return await check(answer);
    } catch (error) {
      const isOver = prompter === undefined || signal.aborted || enough?.() === true;
      if (isOver || !(error instanceof BridgeError) || error.code === 'internal') throw error;
      output.error(error);
      answer = undefined;
    }
  }
}

function open(text: string): { readonly url: string; readonly http: DifyHttp } {
  const parsed = httpUrl.safeParse(text);
  if (parsed.success) return { url: parsed.data, http: createDifyHttp({ baseUrl: parsed.data }) };
  throw new BridgeError('usage', `The address of Dify: ${parsed.error.issues[0]?.message}.`, {
    hint: 'For example http://127.0.0.1:5001, or http://api:5001 next to the containers of Dify.',
  });
}

/** Returns the only workspace. Throws if there are several and nobody can be asked. */
function obviousOf({ prompter }: Interview, found: ReachableWorkspaces): string | undefined {
  if (prompter !== undefined && found.workspaces.length > 1) return undefined;
  return chosenWorkspace(found, undefined).id;
}

function inform({ prompter, output }: Interview, text: string): void {
  if (prompter !== undefined) output.note(text);
}
