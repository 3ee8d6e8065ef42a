#!/usr/bin/env node
// Plain JavaScript on purpose: it has to run on any Node to be able to say that this one is too old.
var needed = [22, 18]
var found = process.versions.node.split('.').map(Number)
if (found[0] < needed[0] || (found[0] === needed[0] && found[1] < needed[1])) {
  process.stderr.write('keyturn needs Node ' + needed.join('.') + ' or newer; this is Node ' + process.versions.node + '.\n')
  process.exit(2)
}
import('./launch.js')
