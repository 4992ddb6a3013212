/** What the help of a command says. */
export interface About {
  readonly description: string;
  readonly examples: readonly string[];
  readonly sandbox?: true;
}

export const INIT: About = {
  description: 'ask for the way to your Dify, check it, and write the configuration file',
  examples: ['init', 'init --dify-env docker/.env --url http://127.0.0.1:5001 --yes'],
};
export const INSTALL: About = {
  description: "put the bridge into an MCP client's configuration",
  examples: ['install cursor', 'install vscode --http http://127.0.0.1:8080/mcp --dry-run'],
  sandbox: true,
};
export const COMPLETION: About = {
  description: 'print a script that completes commands and options in a shell',
  examples: ['completion bash > ~/.local/share/bash-completion/completions/dify-mcp-bridge'],
};
export const HELP: About = {
  description: 'print the help of a command, or on environment, exit-codes or troubleshooting',
  examples: ['help exit-codes', 'help tools list'],
};
export const SERVE: About = {
  description: 'serve the tools to an MCP client, over standard input and output or over HTTP',
  examples: ['serve --sandbox', 'serve --http --port 8080'],
  sandbox: true,
};
export const LIST: About = {
  description: 'list the tools and what they cost of a context',
  examples: ['tools list', 'tools list --view support -o json'],
  sandbox: true,
};
export const SHOW: About = {
  description: 'print a tool as an MCP client sees it',
  examples: ['tools show time__current_time --sandbox'],
  sandbox: true,
};
export const EXPLAIN: About = {
  description: 'say where a tool comes from, and each rule that decided on it',
  examples: ['tools explain time__current_time --sandbox'],
  sandbox: true,
};
export const CALL: About = {
  description: 'call a tool once and print its result',
  examples: [
    `call time__weekday --args '{"year":2026,"month":11,"day":22}' --sandbox`,
    'call workflow__text_report --file document=notes.txt --sandbox',
    'call workflow__report --args @arguments.json --out results',
  ],
  sandbox: true,
};
export const DOCTOR: About = {
  description: 'check each step of the way to Dify, and say how to mend what fails',
  examples: ['doctor'],
  sandbox: true,
};
export const DEMO: About = {
  description: 'show the bridge at work with the sandbox: no Dify and no configuration needed',
  examples: ['demo'],
};
export const PULL: About = {
  description: 'write what is published as files to review and to serve from',
  examples: ['manifest pull', 'manifest pull --dry-run'],
  sandbox: true,
};
export const DIFF: About = {
  description: 'print how what is published differs from the files; exit code 1 if it does',
  examples: ['manifest diff', 'manifest diff --view support -o json'],
  sandbox: true,
};
export const MANIFEST_SCHEMA: About = {
  description: 'print the JSON Schema of the files, for editors',
  examples: ['manifest schema > manifest.schema.json'],
};
export const CHECK: About = {
  description: "check the configuration, also against Dify's tools where they can be listed",
  examples: ['config check --config bridge.yaml', 'config check --live'],
  sandbox: true,
};
export const SHOW_CONFIG: About = {
  description: 'print each setting, its value and its source, without secrets',
  examples: ['config show'],
  sandbox: true,
};
export const SCHEMA: About = {
  description: 'print the JSON Schema of the configuration file, for editors',
  examples: ['config schema > dify-mcp-bridge.schema.json'],
};
export const VERSION_ABOUT: About = { description: 'print the version', examples: ['version -o json'] };
