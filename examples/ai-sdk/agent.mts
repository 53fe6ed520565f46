// Talks with a firm's back office: the AI SDK and Bureau.
//
//   npm install ai @ai-sdk/mcp @ai-sdk/anthropic
//   ANTHROPIC_API_KEY=… node agent.mts        (Node 22.18 or newer, or: npx tsx agent.mts)
//
// Bureau is started over stdio and works on the database of this machine; an empty line ends the conversation. What it wants to
// delete it asks about here, not through the model.

import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';

import { createMCPClient, ElicitationRequestSchema } from '@ai-sdk/mcp';
import { Experimental_StdioMCPTransport as StdioTransport } from '@ai-sdk/mcp/mcp-stdio';
import { generateText, stepCountIs } from 'ai';

export async function talk(model, read, say) {
  const client = await createMCPClient({
    transport: new StdioTransport({ command: 'bureau', args: ['stdio', '--features=contacts,activities,history'] }),
    capabilities: { elicitation: {} },
  });
  try {
    client.onElicitationRequest(ElicitationRequestSchema, async ({ params }) =>
      (await read(`${params.message} [y/N] `)).toLowerCase() === 'y'
        ? { action: 'accept', content: { confirm: true } }
        : { action: 'decline' });
    const tools = await client.tools();
    const messages = [];
    for (let question; (question = await read('> ')); ) {
      messages.push({ role: 'user', content: question });
      const answer = await generateText({ model, system: client.instructions, tools, messages, stopWhen: stepCountIs(20) });
      messages.push(...answer.response.messages);
      say(answer.text);
    }
  } finally {
    await client.close();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { anthropic } = await import('@ai-sdk/anthropic');
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  await talk(anthropic('claude-sonnet-4-5'), prompt => terminal.question(prompt), console.log);
  terminal.close();
}
