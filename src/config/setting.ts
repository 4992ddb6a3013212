import * as z from 'zod';

/** The kind of a setting's value; decides how text from the environment is parsed. */
export type SettingKind =
  | 'text'
  | 'url'
  | 'uuid'
  | 'number'
  | 'boolean'
  | 'duration'
  | 'size'
  | 'choice'
  | 'list'
  | 'object';

/** The groups of the documentation, in its order. They follow what an operator wants to do. */
export const USES = {
  everyday: 'Everyday',
  dify: 'Reaching Dify',
  http: 'Serving over HTTP',
  signIn: 'Signing in with Dify',
  oauth: 'Access tokens of an identity provider',
  tools: 'Choosing and naming tools',
  large: 'Many tools',
  results: 'What results contain',
  files: 'Files',
  workspaces: 'Several workspaces',
  long: 'Long calls',
  limits: 'Limits',
  approval: 'Approved tools',
  replicas: 'Several replicas',
  operation: 'Running the bridge',
} as const;

export type Use = keyof typeof USES;

/** The use of the settings of a group of the file that declare none. */
const USE_OF_GROUP: Readonly<Record<string, Use>> = {
  dify: 'dify',
  http: 'http',
  signIn: 'signIn',
  catalog: 'operation',
  tools: 'tools',
  views: 'tools',
  workspaces: 'workspaces',
  manifest: 'approval',
  calls: 'limits',
  limits: 'limits',
  files: 'files',
  state: 'replicas',
  log: 'operation',
  admin: 'operation',
  audit: 'operation',
};

interface SettingFacts {
  /** The environment variable, if it does not follow from the path. */
  readonly env?: string | undefined;
  readonly flag?: string;
  /** Default: that of its group in the file. */
  readonly use?: Use;
  /** A secret can also be in the file that the variable `<env>_FILE` names. */
  readonly secret?: true;
}

/** One row of the table that drives variable names, defaults, checks and the documentation. */
export interface Setting extends SettingFacts {
  /** Its path in the configuration file, such as `http.port`. */
  readonly path: string;
  readonly kind: SettingKind;
  readonly description: string;
  readonly use: Use;
  /** As written in the file; absent if the setting has no default. */
  readonly default?: unknown;
}

const facts = z.registry<SettingFacts & Pick<Setting, 'kind' | 'default'>>();

/** The kinds of schemas whose type does not tell it. */
export const kinds = z.registry<{ readonly kind: SettingKind }>();

const KIND_OF_TYPE: Readonly<Record<string, SettingKind>> = {
  string: 'text',
  int: 'number',
  number: 'number',
  boolean: 'boolean',
  enum: 'choice',
  array: 'list',
};

/** Returns a setting that may be absent. */
export function optional<T extends z.ZodType>(schema: T, about: SettingFacts = {}): z.ZodExactOptional<T> {
  const leaf = z.exactOptional(schema);
  facts.add(leaf, { ...about, kind: kindOf(schema) });
  return leaf;
}

/** Returns a setting with a default, written as in the file. */
export function setting<T extends z.ZodType>(
  schema: T,
  value: z.input<T>,
  about: SettingFacts = {},
): z.ZodPrefault<T> {
  const leaf = schema.prefault(value as never);
  facts.add(leaf, { ...about, kind: kindOf(schema), default: value });
  return leaf;
}

/** Returns the setting that a schema describes; undefined if the schema is a group of settings. */
export function settingAt(path: string, schema: z.ZodType): Setting | undefined {
  const about = facts.get(schema);
  if (about === undefined) return undefined;
  const env = about.kind === 'object' ? undefined : variableOf(path);
  const use = USE_OF_GROUP[path.split('.', 1)[0] ?? ''] ?? 'operation';
  return { path, env, use, description: schema.description ?? '', ...about };
}

function kindOf(schema: z.ZodType): SettingKind {
  return kinds.get(schema)?.kind ?? KIND_OF_TYPE[schema.type] ?? 'object';
}

/** Groups that are not part of the names of their variables. */
const PREFIXES: Readonly<Record<string, string>> = {
  dify: 'DIFY',
  http: 'DIFY_BRIDGE',
  signIn: 'DIFY_BRIDGE_SIGN_IN',
  state: 'DIFY_BRIDGE',
};

/** Returns the environment variable of a setting: `DIFY_BRIDGE_CALLS_MAX_QUEUED` for `calls.maxQueued`. */
function variableOf(path: string): string {
  const [group = '', key = ''] = path.split('.');
  const prefix = PREFIXES[group] ?? `DIFY_BRIDGE_${group.toUpperCase()}`;
  return `${prefix}_${key.replace(/[A-Z]/g, '_$&').toUpperCase()}`;
}
