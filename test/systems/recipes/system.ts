import { debianProgram } from '../parts/debian.ts'
import { mariadbd } from '../mysql/mariadb.ts'
import { rabbitmq } from '../rabbitmq/broker.ts'
import type { System } from '../system.ts'
import { vaultProgram } from '../vault/system.ts'

export default {
  says: 'the manifests of docs/recipes rotate to the end with exactly the rights that the recipe names',
  runs: {
    'postgres.test.ts': [], 'redis.test.ts': [debianProgram('redis-server')], 'mysql.test.ts': [mariadbd], 'rabbitmq.test.ts': [rabbitmq],
    'vault.test.ts': [vaultProgram],
  },
} satisfies System
