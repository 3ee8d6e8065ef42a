/** The owner of a rotation for people: `process 4711 of web-1`. A name of another form is shown as it is. Pure. */
export function holderOf(owner: string): string {
  const { host, pid } = /^(?<host>[^/ ]+)\/\S* (?<pid>\d+)(?:@\S*)?$/.exec(owner)?.groups ?? {}
  return host === undefined || pid === undefined ? owner : `process ${pid} of ${host}`
}
