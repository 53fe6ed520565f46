// The current major of the TypeScript SDK, which speaks both eras: by default it opens with `initialize`.

import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

import { main } from './scenario.mjs';

async function open({ era, target, answer }) {
  const client = new Client(
    { name: 'bureau-sdk-test', version: '1.0.0' },
    {
      capabilities: answer ? { elicitation: { form: {} } } : {},
      versionNegotiation: { mode: era === 'modern' ? 'auto' : 'legacy' },
    },
  );
  if (answer) client.setRequestHandler('elicitation/create', request => answer(request.params));
  await client.connect(
    target.url
      ? new StreamableHTTPClientTransport(new URL(target.url), { requestInit: { headers: target.headers } })
      : new StdioClientTransport({ command: target.command, args: target.args }),
  );
  return {
    version: () => client.getNegotiatedProtocolVersion(),
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

await main('current', { open, versions: { modern: '2026-07-28', legacy: '2025-11-25' }, asks: ['modern'] });
