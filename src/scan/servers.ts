/** Servers that accept logins: the schemes of their URLs, the words of variables that name them, the names of their images. */
const SERVERS: readonly { readonly name: string; readonly schemes: readonly string[]; readonly words: readonly string[]; readonly images: readonly string[] }[] = [
  {
    name: 'PostgreSQL',
    schemes: ['postgres', 'postgresql'],
    words: ['POSTGRES', 'POSTGRESQL', 'PG', 'PGSQL', 'PGPASSWORD'],
    images: ['postgres', 'postgresql', 'postgis', 'pgvector', 'timescaledb', 'timescaledb-ha'],
  },
  { name: 'PgBouncer', schemes: [], words: ['PGBOUNCER'], images: ['pgbouncer'] },
  { name: 'MySQL', schemes: ['mysql', 'mysql2', 'mariadb'], words: ['MYSQL', 'MARIADB'], images: ['mysql', 'mysql-server', 'mariadb', 'percona'] },
  { name: 'SQL Server', schemes: ['mssql', 'sqlserver'], words: ['MSSQL', 'SQLSERVER', 'SA'], images: ['mssql-server'] },
  { name: 'MongoDB', schemes: ['mongodb', 'mongodb+srv'], words: ['MONGO', 'MONGODB'], images: ['mongo', 'mongodb'] },
  { name: 'Redis', schemes: ['redis', 'rediss', 'valkey'], words: ['REDIS', 'VALKEY'], images: ['redis', 'redis-stack', 'redis-stack-server', 'valkey', 'keydb'] },
  { name: 'RabbitMQ', schemes: ['amqp', 'amqps'], words: ['RABBITMQ', 'RABBIT', 'AMQP'], images: ['rabbitmq'] },
  { name: 'NATS', schemes: ['nats', 'tls'], words: ['NATS'], images: ['nats'] },
  { name: 'ClickHouse', schemes: ['clickhouse'], words: ['CLICKHOUSE'], images: ['clickhouse', 'clickhouse-server'] },
  { name: 'Neo4j', schemes: ['neo4j', 'neo4j+s', 'bolt', 'bolt+s'], words: ['NEO4J'], images: ['neo4j'] },
  { name: 'Elasticsearch', schemes: [], words: ['ELASTIC', 'ELASTICSEARCH', 'OPENSEARCH'], images: ['elasticsearch', 'opensearch'] },
  { name: 'MinIO', schemes: [], words: ['MINIO'], images: ['minio'] },
  { name: 'the mail server', schemes: ['smtp', 'smtps', 'submission'], words: ['SMTP', 'MAIL', 'EMAIL', 'IMAP'], images: [] },
  { name: 'the directory', schemes: ['ldap', 'ldaps'], words: ['LDAP'], images: ['openldap'] },
]

/** The server that a URL of this scheme leads to, drivers left out (`postgresql+asyncpg`); undefined when it is not known. */
export function serverOf(scheme: string): string | undefined {
  const whole = scheme.toLowerCase()
  const bare = whole.split('+')[0] ?? ''
  return (SERVERS.find(({ schemes }) => schemes.includes(whole)) ?? SERVERS.find(({ schemes }) => schemes.includes(bare)))?.name
}

/** The server that the words of a variable's name speak of; undefined when none does. */
export function serverNamed(words: readonly string[]): string | undefined {
  return SERVERS.find((server) => words.some((word) => server.words.includes(word)))?.name
}

/** The server that an image is, `ghcr.io/acme/postgres:18` too; undefined for every other image. */
export function serverOfImage(image: string): string | undefined {
  const name = image.split('@')[0]?.split('/').at(-1)?.split(':')[0]?.toLowerCase() ?? ''
  return SERVERS.find(({ images }) => images.includes(name))?.name
}
