// https://dev.mysql.com/doc/refman/8.4/en/implicit-commit.html, https://mariadb.com/kb/en/sql-statements-that-cause-an-implicit-commit/
/** MySQL commits with most statements that define something, or look after tables. Temporary tables are its exception. */
const endsMysql = beginsWith(
  'alter',
  'analyze( (local|no_write_to_binlog))? tables?',
  'begin(?! not atomic)',
  'cache index',
  'change (master|replication)',
  'check (table|view)',
  'commit',
  'create(?!( or replace)? temporary)',
  'drop(?! temporary)',
  'flush',
  'grant',
  'install',
  'load index',
  'lock (tables?|instance)',
  'optimize',
  'rename',
  'repair',
  'reset(?! persist)',
  'revoke',
  'rollback(?!( work)? to)',
  'set (session |local |@@session[.]|@@local[.]|@@)?(autocommit|password)',
  'start',
  'stop',
  'truncate',
  'uninstall',
  'unlock',
  'xa',
)

/** A pool may be made with `multipleStatements`. */
export const endsMysqlTransaction = (text: string) => anyOf(text, endsMysql, MYSQL_QUOTED)

const endsPostgres = beginsWith(
  'abort',
  'commit',
  'end',
  'prepare transaction',
  'rollback(?!( (work|transaction))? to)',
)

/**
 * PostgreSQL takes back what defines tables: only what is meant to ends its transactions. Its driver runs several statements
 * of one text one by one.
 */
export const endsPostgresTransaction = (text: string) => anyOf(text, endsPostgres, POSTGRES_QUOTED)

export const endsSqliteTransaction = beginsWith('commit', 'end', 'rollback(?!( transaction)? to)')

/** Whether a statement begins with one of these words; a blank stands for any. Comments in front of them do not count. */
function beginsWith(...words: readonly string[]): (statement: string) => boolean {
  // What is in `/*! … */` is run by MySQL.
  const nothing = String.raw`(?:\s|;|--[^\n]*(?:\n|$)|#[^\n]*(?:\n|$)|/\*!\d*|/\*(?!!)(?:[^*]|\*(?!/))*\*/)*`
  const pattern = new RegExp(`^${nothing}(?:${words.join('|').replaceAll(' ', String.raw`\s+`)})\\b`, 'i')
  return (statement) => pattern.test(statement)
}

// Texts, names and comments: a semicolon in them ends no statement.
const MYSQL_QUOTED =
  /'(?:[^'\\]|\\[\s\S]|'')*'|"(?:[^"\\]|\\[\s\S]|"")*"|`[^`]*`|--(?:\s[^\n]*)?(?=\n|$)|#[^\n]*|\/\*(?!!)(?:[^*]|\*(?!\/))*\*\//g
const POSTGRES_QUOTED =
  /\be'(?:[^'\\]|\\[\s\S]|'')*'|'(?:[^']|'')*'|"[^"]*"|\$(\w*)\$[\s\S]*?\$\1\$|--[^\n]*|\/\*(?:[^*]|\*(?!\/))*\*\//gi

/** The body of a function of PostgreSQL may be no text of its own: its statements, which end with `end`, are not run now. */
const BODY = /\bbegin\s+atomic\b/i

/** Whether one of the statements of a text is such a one. Most texts hold one: these are not looked at beyond their beginning. */
function anyOf(text: string, isEnding: (statement: string) => boolean, quoted: RegExp): boolean {
  if (isEnding(text)) return true
  if (!text.includes(';')) return false
  const bare = text.replace(quoted, ' ')
  return !BODY.test(bare) && bare.split(';').some(isEnding)
}
