/** What the help of a command says. */
export interface About {
  readonly description: string;
  readonly examples: readonly string[];
  readonly sandbox?: true;
}

export const SERVE: About = {
  description: 'serve the tools to an MCP client, over standard input and output or over HTTP',
  examples: ['serve --sandbox', 'serve --http --port 8080'],
  sandbox: true,
};
export const LIST: About = { description: 'list the tools', examples: ['tools list -o json'], sandbox: true };
export const SHOW: About = {
  description: 'print a tool as an MCP client sees it',
  examples: ['tools show time__current_time --sandbox'],
  sandbox: true,
};
export const EXPLAIN: About = {
  description: 'say where a tool comes from, or why it is not published',
  examples: ['tools explain time__current_time --sandbox'],
  sandbox: true,
};
export const CALL: About = {
  description: 'call a tool once and print its result',
  examples: [
    `call time__weekday --args '{"year":2026,"month":11,"day":22}' --sandbox`,
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
export const CHECK: About = {
  description: 'check the configuration and print what is wrong or doubtful',
  examples: ['config check --config bridge.yaml'],
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
