import { cutText } from '../model/cut-text.ts';
import type { Workspace } from '../dify/console/workspaces.ts';
import type { Credential } from './checks.ts';

export interface Answers {
  readonly apiUrl: string;
  readonly version: string | undefined;
  readonly innerApiKey: string;
  readonly credential: Credential;
  readonly workspace: Workspace;
  /** Absent if the bridge should not fetch files. */
  readonly secretKey: string | undefined;
  /** Whether this Dify gives files of results without the secret key. */
  readonly isNeedless: boolean;
}

/** Returns the configuration file: YAML with comments. It contains secrets. */
export function configText(answers: Answers): string {
  const { apiUrl, version, innerApiKey, credential, workspace, secretKey, isNeedless } = answers;
  return `# Configuration of dify-mcp-bridge, written by "dify-mcp-bridge init".
# It contains secrets: keep it readable only by you, and out of version control.
# "dify-mcp-bridge doctor" checks it, and "config show" prints every setting.

dify:
  # Dify's api service${version === undefined ? '' : ` (Dify ${plain(version)} at the time)`}.
  apiUrl: ${quoted(apiUrl)}

  # PLUGIN_DIFY_INNER_API_KEY of Dify: runs tools, in every workspace of the installation.
  innerApiKey: ${quoted(innerApiKey)}

  # The workspace ${plain(JSON.stringify(workspace.name))}.
  workspaceId: ${quoted(workspace.id)}

${credentialText(credential)}
${isNeedless ? '' : `\n${secretKeyText(secretKey)}\n`}
# Which tools clients see, under which names, with which fixed values. For example:
# tools:
#   deny: ["*__delete_*"]
#   presets:
#     time__current_time: { parameters: { timezone: Europe/Berlin } }

# For "serve --http". An address other than loopback needs a token.
# http:
#   port: 8080
`;
}

function credentialText(credential: Credential): string {
  if (credential.kind === 'admin-key') {
    return `  # Dify's ADMIN_API_KEY: lists the tools.
  adminApiKey: ${quoted(credential.key)}`;
  }
  return `  # The account that lists the tools; it must stay in the workspace above.
  email: ${quoted(credential.email)}
  password: ${quoted(credential.password)}`;
}

function secretKeyText(secretKey: string | undefined): string {
  const about = "  # Dify's SECRET_KEY: signs the links to images and other files in results.";
  return secretKey === undefined
    ? `${about}\n  # Before Dify 1.15, most files do not arrive without it.\n  # secretKey: "…"`
    : `${about}\n  secretKey: ${quoted(secretKey)}`;
}

/** Returns a text as a YAML string; JSON quoting means the same in YAML. */
function quoted(text: string): string {
  return JSON.stringify(text);
}

/** Returns foreign text for a comment: on one line and of limited length. */
function plain(text: string): string {
  return cutText(text.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' '), 100);
}
