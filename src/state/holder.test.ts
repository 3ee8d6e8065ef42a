import { hostname } from 'node:os'
import { expect, it } from 'vitest'
import { ownerOf } from '../engine/owner.ts'
import { holderOf } from './holder.ts'

it('names the process and the host of an owner, and leaves out what only tells owners apart', () => {
  expect(holderOf(ownerOf(process.pid))).toBe(`process ${process.pid} of ${hostname()}`)
  expect(holderOf('web-1.example/0b5c/pid:[4026531836] 4711@99')).toBe('process 4711 of web-1.example')
  expect(holderOf('web-1/-/- 4711')).toBe('process 4711 of web-1')
  expect(holderOf('owner 1')).toBe('owner 1')
})
