import type { CellState } from './cell.ts'
import type { Palette } from './palette.ts'

/** From this width on a cell has room for a mark; narrower ones are told apart by their shape. */
export const ROOM_FOR_MARKS = 12

/**
 * Each state has a shape of its own, so that colour does not carry it alone: done is a bar at half height, failed fills the
 * cell and is crossed out, blocked is striped, closed is a line at the bottom, waiting is a dot.
 */
export function paintCell(
  canvas: CanvasRenderingContext2D,
  state: CellState,
  palette: Palette,
  x: number,
  y: number,
  width: number,
  height: number,
): void {
  // Narrow cells run into one another: gaps between them would be all there is to see.
  const inset = width >= 8 ? 1 : 0
  const [left, right] = [x + inset, x + width - inset]
  canvas.fillStyle = palette.states[state]
  switch (state) {
    case 'done':
      canvas.fillRect(left, y + Math.round(height * 0.3), right - left, Math.round(height * 0.4))
      return
    case 'closed':
      canvas.fillRect(left, y + height - 6, right - left, 3)
      return
    case 'waiting': {
      const size = Math.min(2, width - 1)
      canvas.fillRect(x + (width - size) / 2, y + (height - size) / 2, size, size)
      return
    }
    case 'blocked': {
      const stripes = 4
      const step = (height - 4) / stripes
      for (let stripe = 0; stripe < stripes; stripe += 1) {
        canvas.fillRect(left, y + 2 + stripe * step, right - left, step / 2)
      }
      return
    }
    case 'failed':
      canvas.fillRect(left, y + 1, right - left, height - 2)
      if (width < ROOM_FOR_MARKS) return
      paintCross(canvas, palette.mark, x + width / 2, y + height / 2, Math.min(3.5, width / 4))
  }
}

function paintCross(canvas: CanvasRenderingContext2D, colour: string, x: number, y: number, size: number): void {
  canvas.strokeStyle = colour
  canvas.lineWidth = 1.5
  canvas.beginPath()
  canvas.moveTo(x - size, y - size)
  canvas.lineTo(x + size, y + size)
  canvas.moveTo(x + size, y - size)
  canvas.lineTo(x - size, y + size)
  canvas.stroke()
}
