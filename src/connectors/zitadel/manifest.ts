import { z } from 'zod'
import { describeConnector } from '../../kit/connector.ts'
import { durationSchema } from '../../kit/duration.ts'
import { urlSchema } from '../../outside/http/url.ts'

const id = z.string().regex(/^[\w@.-]{1,200}$/, 'an id as Zitadel shows it')

const user = z.strictObject({
  id: id.describe('The id of the service account (machine user).'),
  expires: durationSchema.optional().describe('After which Zitadel itself ends a new key; never when absent. Longer than keys are rotated.'),
  slots: z.int().min(2).max(100).default(5).describe('How many keys the user may have at once; with so many no rotation begins, since something leaves them behind.'),
})

const application = z.strictObject({
  project: id.describe('The id of its project.'),
  id: id.describe('The id of the application, which is not its client id.'),
  client: id.describe('Its client id.'),
})

/** What stands under `issuer:` with `use: zitadel`. */
export const issuerSchema = z
  .strictObject({
    url: urlSchema.refine((text) => URL.canParse(text) && /^\/?$/.test(new URL(text).pathname) && !/[?#]/.test(text), 'scheme and host, nothing behind them').describe('The domain of the instance, which is its issuer too: `https://auth.example`.'),
    admin: z.string().min(1).meta({ reference: true }).describe('A reference to the personal access token of a service account that may write users or applications: `${env:ZITADEL_TOKEN}`. Never the one that is rotated.'),
    user: user.optional().describe('Rotates the keys of a service account.'),
    application: application.optional().describe('Rotates the client secret of an application (OIDC).'),
    derivedLife: durationSchema.default('12h').describe('How long an access token lives on that was got with the old one (`OIDC settings` of the instance).'),
    strategy: z.enum(['overlap', 'in-place']).default('overlap').describe('`overlap` for keys, which stand beside each other. `in-place` for a client secret: the new one ends the old one.'),
  })
  .refine((config) => (config.user === undefined) !== (config.application === undefined), { path: ['user'], error: '`user` or `application`, one of them' })
  .refine((config) => config.application === undefined || config.strategy === 'in-place', { path: ['strategy'], error: 'an application has one secret: write `strategy: in-place`' })
  .refine((config) => config.user === undefined || config.strategy === 'overlap', { path: ['strategy'], error: 'keys stand beside each other: `overlap`' })

export type IssuerConfig = z.infer<typeof issuerSchema>
export type UserConfig = z.infer<typeof user>
export type ApplicationConfig = z.infer<typeof application>

export default describeConnector({
  id: 'zitadel',
  title: 'Zitadel',
  summary: 'Rotates keys of service accounts and client secrets of applications over the v2 APIs of Zitadel.',
  links: [
    'https://zitadel.com/docs/reference/api/user/zitadel.user.v2.UserService.AddKey',
    'https://zitadel.com/docs/reference/api/user/zitadel.user.v2.UserService.ListKeys',
    'https://zitadel.com/docs/reference/api/user/zitadel.user.v2.UserService.RemoveKey',
    'https://zitadel.com/docs/reference/api/application/zitadel.application.v2.ApplicationService.GenerateClientSecret',
    'https://zitadel.com/docs/guides/integrate/service-accounts/private-key-jwt',
    'https://zitadel.com/docs/apis/openidoauth/endpoints',
  ],
  families: { issuer: issuerSchema },
  strategies: ['overlap', 'in-place'],
  fields: { secret: 'secret' },
})
