import type { Row } from './outside.ts'
import { aws } from './outsides/aws.ts'
import { keycloak } from './outsides/keycloak.ts'
import { mysql } from './outsides/mysql.ts'
import { nats } from './outsides/nats.ts'
import { natsConfig } from './outsides/nats-config.ts'
import { neo4j } from './outsides/neo4j.ts'
import { postgres } from './outsides/postgres.ts'
import { qdrant } from './outsides/qdrant.ts'
import { rabbitmq } from './outsides/rabbitmq.ts'
import { redis } from './outsides/redis.ts'
import { s3 } from './outsides/s3.ts'
import { vault } from './outsides/vault.ts'
import { webhook } from './outsides/webhook.ts'

/** Every issuer with a fake or an embedded server; a new one is one file of `outsides/` and its word here. */
export const ROWS: readonly Row[] = [...postgres, ...mysql, ...redis, ...nats, ...natsConfig, ...rabbitmq, ...vault, ...aws, ...s3, ...keycloak, ...neo4j, ...qdrant, ...webhook]
