// The previous major of the TypeScript SDK.

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

import { main } from './scenario.mjs';

async function open({ target }) {
  const client = new Client({ name: 'bureau-sdk-test', version: '1.0.0' });
  const transport = target.url
    ? new StreamableHTTPClientTransport(new URL(target.url), { requestInit: { headers: target.headers } })
    : new StdioClientTransport({ command: target.command, args: target.args });
  // This SDK keeps the version to itself, but tells the transport.
  let version;
  const settled = transport.setProtocolVersion?.bind(transport);
  transport.setProtocolVersion = value => {
    version = value;
    settled?.(value);
  };
  await client.connect(transport);
  return {
    version: () => version,
    tools: async () => (await client.listTools()).tools,
    call: async (name, args) => {
      const result = await client.callTool({ name, arguments: args });
      return { failed: result.isError === true, body: JSON.parse(result.content[0].text) };
    },
    templates: async () => (await client.listResourceTemplates()).resourceTemplates.map(({ uriTemplate }) => uriTemplate),
    read: async uri => (await client.readResource({ uri })).contents[0].text,
    close: () => client.close(),
  };
}

await main('previous', { open, versions: { legacy: '2025-11-25' }, asks: [] });
