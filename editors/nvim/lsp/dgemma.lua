-- How Neovim runs the language server: the name `dgemma` of |vim.lsp.config()| and |vim.lsp.enable()|.

---@type vim.lsp.Config
return {
  cmd = require('dgemma.options').get().cmd or { require('dgemma.program').find(), '--stdio' },
  init_options = { statusNotifications = true },
  root_dir = function(buf, on_dir)
    -- Buffers that stand for something else than a file, such as `fugitive://…`, are left alone.
    -- A file outside any repository is served as well: its root is then nil.
    if not vim.api.nvim_buf_get_name(buf):match('^%a[%w+.-]+://') then
      on_dir(vim.fs.root(buf, '.git'))
    end
  end,
  handlers = {
    ['dgemma/status'] = function(_, status, context)
      require('dgemma.status').update(context.client_id, status)
    end,
    ['$/progress'] = function(err, progress, context)
      -- Drafts are no progress that anybody else could show.
      if not require('dgemma.rewrite').take_draft(progress) then
        vim.lsp.handlers['$/progress'](err, progress, context)
      end
    end,
  },
}
