// Contacts behind the official TypeScript SDK: what Bureau is measured beside.
//
//   node server.mjs fill DATABASE CONTACTS    fills a new database with an export of Bureau's, and prints its key
//   node server.mjs stdio DATABASE TOOLS      serves MCP over stdio
//   node server.mjs serve DATABASE TOOLS      serves MCP over HTTP on a free port, and says where on stderr
//
// TOOLS is a result of tools/list: all tools are listed, those of contacts that the bench calls are there.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { localhostHostValidation, localhostOriginValidation } from '@modelcontextprotocol/node';
import { createMcpHandler, fromJsonSchema, Server } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { Contacts, Refused } from './contacts.mjs';

const [command, database, file] = process.argv.slice(2);
const contacts = new Contacts(database);

if (command === 'fill') {
    console.log(await contacts.fill(file));
    process.exit();
}

const { tools } = JSON.parse(readFileSync(file, 'utf8'));
const byName = new Map(tools.map((tool) => [tool.name, tool]));
// A schema is compiled when its tool is first called.
const validators = new Map();

const implementations = {
    get_contact: ({ contact }) => ({ data: contacts.get(contact) }),
    search_contacts: (filters) => contacts.search(filters),
    create_contact: (fields, member) => contacts.create(fields, member),
};

const text = (value) => [{ type: 'text', text: JSON.stringify(value) }];

async function call({ name, arguments: given = {} }, member) {
    try {
        const tool = byName.get(name);
        if (tool === undefined) throw new Refused('NOT_FOUND', 'There is no such tool.');
        const run = implementations[name];
        if (run === undefined) throw new Refused('UNSUPPORTED', 'This tool is not part of this bench.');
        let schema = validators.get(name);
        if (schema === undefined) validators.set(name, (schema = fromJsonSchema(tool.inputSchema)));
        const checked = await schema['~standard'].validate(given);
        if (checked.issues !== undefined) throw new Refused('VALIDATION', checked.issues.map(({ message }) => message).join(' '));
        return { content: text(run(checked.value, member)) };
    } catch (error) {
        if (!(error instanceof Refused)) throw error;
        return { content: text({ error: error.error }), isError: true };
    }
}

// The SDK wants a server for each request. McpServer would register every tool with each: this is the cheaper of its two.
const options = { capabilities: { tools: {} }, cacheHints: { 'tools/list': { ttlMs: 300_000, cacheScope: 'private' } } };
const listed = { tools };
function server({ authInfo } = {}) {
    const made = new Server({ name: 'peer', version: '1.0.0' }, options);
    made.setRequestHandler('tools/list', () => listed);
    made.setRequestHandler('tools/call', ({ params }) => call(params, authInfo?.extra.member ?? contacts.owner()));
    return made;
}

if (command === 'stdio') {
    serveStdio(server);
} else {
    const handler = createMcpHandler(server, { responseMode: 'json', legacy: 'reject' });
    const fromHere = [localhostHostValidation(), localhostOriginValidation()];
    // Takes two thirds of what the SDK's own adapter for Node takes: the body is read once and made an object once.
    const listener = getRequestListener(async (request, { incoming }) => {
        let parsedBody;
        try {
            parsedBody = await request.json();
        } catch {
            return new Response(null, { status: 400 });
        }
        return handler.fetch(request, { authInfo: incoming.auth, parsedBody });
    });
    const http = createServer((request, response) => {
        if (!fromHere.every((isFine) => isFine(request, response))) return;
        const key = request.headers.authorization?.match(/^Bearer (.+)$/)?.[1];
        const member = key && contacts.memberOf(key);
        if (!member) {
            response.writeHead(401, { 'www-authenticate': 'Bearer' }).end();
            return;
        }
        request.auth = { token: key, clientId: member, scopes: [], extra: { member } };
        listener(request, response);
    });
    http.listen(0, '127.0.0.1', () => console.error(`http://127.0.0.1:${http.address().port}/mcp`));
}
