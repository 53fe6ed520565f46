// Contacts in SQLite: prepared statements, FTS5, and a commit on disk before a create is answered.
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { createReadStream, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import Database from 'better-sqlite3';

const COLUMNS = [
    'id', 'version', 'created_at', 'created_by', 'updated_at', 'name', 'first_name', 'last_name', 'title', 'company', 'emails',
    'phones', 'city', 'country', 'types', 'tags', 'source', 'score',
];
const ROW = `contact.id, contact.name, contact.title, contact.company, contact.city, types, tags, emails, phones, contact.score,
             contact.created_at`;
const USUAL_LIMIT = 25;

const sha256 = (text) => createHash('sha256').update(text).digest();
const folded = (text) =>
    text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().split(/\s+/).filter(Boolean).join(' ');
const digits = (text) => text.replace(/\D/g, '');
const backwards = (text) => [...text].reverse().join('');
// What is not there is left out of an answer.
const filled = (value) => value !== null && value !== undefined && value.length !== 0;
const only = (fields) => Object.fromEntries(Object.entries(fields).filter(([, value]) => filled(value)));

/** What a caller did wrong, for the caller to read. */
export class Refused extends Error {
    constructor(code, message, details = {}) {
        super(message);
        this.error = { code, message, ...details };
    }
}

export class Contacts {
    #db;
    #statements = new Map();

    constructor(path) {
        this.#db = new Database(path);
        this.#db.pragma('journal_mode = WAL');
        this.#db.pragma('synchronous = FULL');
        this.#db.pragma('foreign_keys = ON');
        this.create = this.#db.transaction(this.create.bind(this)).immediate;
    }

    #prepared(sql) {
        let statement = this.#statements.get(sql);
        if (statement === undefined) this.#statements.set(sql, (statement = this.#db.prepare(sql)));
        return statement;
    }

    /** The member on whose behalf a key acts. */
    memberOf(key) {
        const row = this.#prepared('SELECT member FROM api_key WHERE hash = ? AND revoked_at IS NULL').get(sha256(key));
        return row?.member;
    }

    /** On whose behalf a program on this machine acts. */
    owner() {
        return this.#prepared('SELECT id FROM member LIMIT 1').get().id;
    }

    get(id) {
        const row = this.#prepared(
            `SELECT contact.*, member.name AS member_name FROM contact JOIN member ON member.id = contact.created_by
             WHERE contact.id = ?`,
        ).get(id);
        if (row === undefined) throw new Refused('NOT_FOUND', 'There is no such contact.', { field: 'contact' });
        return whole(row);
    }

    search({ query, type, city, country, source, limit = USUAL_LIMIT }) {
        const words = (query ?? '').trim().split(/\s+/).filter(Boolean);
        const wheres = [];
        const values = [];
        for (const [column, value] of Object.entries({ city, country, source })) {
            if (value === undefined) continue;
            wheres.push(`contact.${column} = ?`);
            values.push(value);
        }
        if (type !== undefined) {
            wheres.push('EXISTS (SELECT 1 FROM json_each(types) WHERE value IN (SELECT value FROM json_each(?)))');
            values.push(JSON.stringify(type));
        }
        const rows = this.#rows(words, wheres, values, limit + 1);
        const data = rows.slice(0, limit).map(short);
        return rows.length > limit ? { data, more: true } : { data };
    }

    #rows(words, wheres, values, limit) {
        if (words.length === 0) {
            const where = wheres.length === 0 ? '' : `WHERE ${wheres.join(' AND ')}`;
            return this.#prepared(`SELECT ${ROW} FROM contact ${where} ORDER BY number DESC LIMIT ?`).all(...values, limit);
        }
        const and = wheres.map((where) => ` AND ${where}`).join('');
        if (words.length === 1 && /^\+?\d{4,}$/.test(words[0])) {
            const end = backwards(digits(words[0]));
            return this.#prepared(
                `SELECT ${ROW} FROM contact_key JOIN contact ON number = contact_key.contact
                 WHERE field = 'phone' AND value >= ? AND value < ?${and} LIMIT ?`,
            ).all(end, `${end}:`, ...values, limit);
        }
        const match = words.map((word) => `"${word.replaceAll('"', '""')}"*`).join(' ');
        // Without a filter only those rows are looked up that are shown.
        const sql =
            wheres.length === 0
                ? `SELECT ${ROW} FROM (SELECT rowid FROM contact_text WHERE contact_text MATCH ? ORDER BY rank LIMIT ?) AS found
                   JOIN contact ON number = found.rowid`
                : `SELECT ${ROW} FROM contact_text JOIN contact ON number = contact_text.rowid
                   WHERE contact_text MATCH ?${and} ORDER BY rank LIMIT ?`;
        return this.#prepared(sql).all(match, ...values, limit);
    }

    /** Writes a contact with its keys, its text and its entry in the log, in one transaction. */
    create(fields, member) {
        const contact = prepared(fields);
        if ((fields.on_duplicate ?? 'error') !== 'create') {
            for (const { field, value } of keys(contact).filter(({ field }) => field !== 'phone')) {
                const found = this.#prepared(
                    `SELECT id FROM contact_key JOIN contact ON number = contact_key.contact WHERE field = ? AND value = ? LIMIT 1`,
                ).get(field, value);
                if (found !== undefined) {
                    throw new Refused('CONFLICT', 'This contact is there already.', { field, existing: found.id });
                }
            }
        }
        const now = new Date().toISOString();
        const row = {
            ...contact, id: `con_${randomUUID()}`, version: 1, created_at: now, created_by: member, updated_at: now,
        };
        const change = this.#insert(row, 'create_contact');
        const name = this.#prepared('SELECT name FROM member WHERE id = ?').get(member).name;
        return { data: whole({ ...stored(row), member_name: name }), change: `chg_${change}` };
    }

    #insert(row, tool) {
        const number = this.#prepared(
            `INSERT INTO contact (${COLUMNS.join(', ')}) VALUES (${COLUMNS.map((column) => `@${column}`).join(', ')})`,
        ).run(stored(row)).lastInsertRowid;
        for (const { field, value } of keys(row)) {
            this.#prepared('INSERT OR IGNORE INTO contact_key (field, value, contact) VALUES (?, ?, ?)').run(field, value, number);
        }
        this.#prepared('INSERT INTO contact_text (rowid, name, details) VALUES (?, ?, ?)').run(number, row.name, details(row));
        return this.#prepared('INSERT INTO change_log (at, member, tool, contact, after) VALUES (?, ?, ?, ?, ?)').run(
            row.updated_at, row.created_by, tool, number, JSON.stringify(row),
        ).lastInsertRowid;
    }

    /** Fills a new database with what `bureau export contacts --format=jsonl` wrote, and makes a key. */
    async fill(file) {
        this.#db.exec(readFileSync(new URL('../schema.sql', import.meta.url), 'utf8'));
        const member = this.#prepared('INSERT OR IGNORE INTO member (id, name) VALUES (?, ?)');
        let owner;
        this.#db.exec('BEGIN');
        for await (const line of createInterface({ input: createReadStream(file) })) {
            const contact = JSON.parse(line);
            owner ??= contact.created_by;
            member.run(contact.created_by, contact.created_by_name);
            this.#insert(contact, 'import');
        }
        const key = `peer_${randomBytes(24).toString('base64url')}`;
        this.#prepared('INSERT INTO api_key (hash, member) VALUES (?, ?)').run(sha256(key), owner);
        this.#db.exec('COMMIT');
        this.#db.exec("INSERT INTO contact_text (contact_text) VALUES ('optimize')");
        this.#db.exec('ANALYZE');
        this.#db.pragma('wal_checkpoint(TRUNCATE)');
        return key;
    }
}

/** A contact as it is written, from what a caller gave. */
function prepared(fields) {
    const names = [fields.first_name, fields.last_name].filter(filled);
    const name = fields.name ?? (names.length > 0 ? names.join(' ') : fields.emails?.[0]?.email);
    if (!filled(name)) throw new Refused('VALIDATION', 'A contact needs a name or an e-mail address.', { field: 'name' });
    for (const [index, { email }] of (fields.emails ?? []).entries()) {
        if (!/^[^\s@]+@[^\s@]+$/.test(email)) {
            throw new Refused('VALIDATION', 'This is no address.', { field: `emails[${index}].email` });
        }
    }
    const phones = (fields.phones ?? []).map((entry) =>
        entry.phone.startsWith('+') ? { ...entry, e164: `+${digits(entry.phone)}` } : entry,
    );
    return {
        name,
        first_name: fields.first_name ?? null,
        last_name: fields.last_name ?? null,
        title: fields.title ?? null,
        company: fields.company ?? null,
        emails: (fields.emails ?? []).map((entry) => ({ ...entry, email: entry.email.toLowerCase() })),
        phones,
        city: fields.city ?? null,
        country: fields.country ?? null,
        types: fields.types ?? [],
        tags: fields.tags ?? [],
        source: fields.source ?? null,
        score: fields.score ?? 0,
    };
}

/** By what a contact is found exactly. */
function keys({ name, company, emails, phones }) {
    return [
        ...emails.map(({ email }) => ({ field: 'email', value: email })),
        { field: 'name', value: `${folded(name)}|${folded(company ?? '')}` },
        ...phones.map(({ phone, e164 }) => ({ field: 'phone', value: backwards(digits(e164 ?? phone)) })),
    ];
}

/** What is searched beside the name. */
function details({ title, company, city, country, emails, tags }) {
    return [title, company, city, country, ...emails.map(({ email }) => email), ...tags].filter(filled).join(' ');
}

/** The columns of a contact. */
function stored(contact) {
    const row = {};
    for (const column of COLUMNS) {
        const value = contact[column];
        row[column] = Array.isArray(value) ? JSON.stringify(value) : value;
    }
    return row;
}

const entries = (text) => JSON.parse(text).map(only);

/** All of a contact, as the tools answer it. */
function whole(row) {
    return only({
        id: row.id,
        name: row.name,
        first_name: row.first_name,
        last_name: row.last_name,
        title: row.title,
        company: row.company,
        emails: entries(row.emails),
        phones: entries(row.phones),
        city: row.city,
        country: row.country,
        types: JSON.parse(row.types),
        tags: JSON.parse(row.tags),
        source: row.source,
        score: row.score,
        version: row.version,
        created_at: second(row.created_at),
        created_by: { id: row.created_by, name: row.member_name },
        updated_at: second(row.updated_at),
    });
}

/** A contact in a list. */
function short(row) {
    const phone = JSON.parse(row.phones)[0];
    return only({
        id: row.id,
        name: row.name,
        title: row.title,
        company: row.company,
        city: row.city,
        types: JSON.parse(row.types),
        tags: JSON.parse(row.tags),
        email: JSON.parse(row.emails)[0]?.email,
        phone: phone?.e164 ?? phone?.phone,
        score: row.score || undefined,
        created_at: second(row.created_at),
    });
}

/** A time without its fraction. */
function second(time) {
    return `${time.slice(0, 19)}Z`;
}
