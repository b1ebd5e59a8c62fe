/** The one place that knows a WebSocket. Other files decide what it carries. */
import type { ClientFrame } from '../protocol/frames.js'

export interface TransportListener {
  readonly onFrame: (text: unknown) => void
  /** `wasOpen` is false if the upgrade itself failed: a browser shows no status of it. */
  readonly onClose: (code: number, reason: string, wasOpen: boolean) => void
}

/** RFC 6455, 7.4.1: the purpose of the connection has been fulfilled. */
const NORMAL_CLOSURE = 1000

export class Transport {
  readonly #socket: WebSocket

  /** Open a socket; throws if the browser refuses even to try. */
  constructor(url: URL, token: string, listener: TransportListener) {
    // The token travels as a subprotocol: a browser can set no header, and a URL is logged.
    const socket = new WebSocket(url, ['rt.v1', `rt.token.${token}`])
    let wasOpen = false
    socket.onopen = () => {
      wasOpen = true
    }
    socket.onmessage = ({ data }) => listener.onFrame(data)
    socket.onclose = ({ code, reason }) => listener.onClose(code, reason, wasOpen)
    this.#socket = socket
  }

  send(frame: ClientFrame): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame))
  }

  /** End the socket; its listener is not called any more. */
  close(): void {
    const socket = this.#socket
    socket.onopen = socket.onmessage = socket.onclose = null
    socket.close(NORMAL_CLOSURE)
  }
}
