/** Breaks a stream of the worker behind so many of its deltas: the run fails (`run-failed`), or the worker is gone (`worker-ended`). */

let planned
const channel = new BroadcastChannel('handover')
channel.onmessage = ({ data }) => {
  planned = data.fault
  channel.postMessage('heard')
}

const error = { kind: 'edgeward', code: 'RUN_FAILED', message: 'The run failed as it was told to.', details: {} }
let isFailing = false

const { postMessage } = MessagePort.prototype
MessagePort.prototype.postMessage = function (message, ...others) {
  if (isFailing && message?.type === 'error') {
    isFailing = false
    return postMessage.call(this, { type: 'error', error })
  }
  const isDelta = message?.type === 'chunk' && message.chunk?.type === 'delta'
  if (!planned || !isDelta || planned.left-- > 0) return postMessage.call(this, message, ...others)
  const { how } = planned
  planned = undefined
  if (how === 'worker-ended') return self.close()
  isFailing = true
  // The stream ends with what it is thrown.
  throw new Error('The run failed as it was told to.')
}
