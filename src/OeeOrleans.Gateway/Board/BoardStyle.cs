namespace OeeOrleans.Gateway.Board;

/// <summary>The board's style, sent with the page: no file to fetch before the first paint. Colour means state and nothing else.</summary>
internal static class BoardStyle
{
    public const string Css =
        """
        :root{--bg:#f4f5f6;--card:#fff;--ink:#1b1f23;--dim:#5f6771;--line:#e2e5e8;--run:#3c9a74;--small:#e3b341;--stop:#d0453d;
          --plan:#9fb3c8;--unk:#b9bfc6;--accent:#2b6cb0;--faulttext:#b3322b;--good:#25724f;
          --t1:#2b6cb0;--t2:#80519d;--t3:#2c7a78;--t4:#7a5c2e}
        @media(prefers-color-scheme:dark){:root{--bg:#14171a;--card:#1d2125;--ink:#e8eaed;--dim:#98a1ab;--line:#2c3238;--run:#3f9c78;
          --small:#d9a83a;--stop:#e05a51;--plan:#5b7086;--unk:#4a525b;--accent:#6aa9e9;--faulttext:#f08a83;--good:#5fbf97;
          --t1:#6aa9e9;--t2:#bb8fd9;--t3:#5fbdb8;--t4:#c9a468}}
        *{box-sizing:border-box}
        body{margin:0;background:var(--bg);color:var(--ink);font:14px/1.4 Inter,system-ui,"DejaVu Sans",sans-serif;
          font-variant-numeric:tabular-nums}
        header{display:flex;gap:20px;align-items:center;padding:12px 24px;background:var(--card);border-bottom:1px solid var(--line)}
        header b{font-size:16px}.shift{flex:1;max-width:440px}.progress{display:block;width:100%;height:4px;border-radius:2px;background:var(--line);margin-top:4px}
        .progress rect{fill:var(--accent)}.defs{position:absolute;width:0;height:0}.defs rect{fill:var(--unk)}
        .grow{flex:1}.live{color:var(--dim);min-width:12em;text-align:right}.live:before{content:"●";color:var(--run);margin-right:6px}
        .live.lost{color:var(--faulttext);font-weight:600}.live.lost{font-size:0}.live.lost:before{content:"■";color:var(--stop);
          font-size:14px}.live.lost:after{content:attr(data-lost);font-size:14px}
        main{padding:20px 24px;display:grid;gap:16px;max-width:1680px;margin:auto}
        .card{background:var(--card);border:1px solid var(--line);border-radius:10px;overflow:hidden}.pad{padding:20px}
        .lh{display:grid;grid-template-columns:220px 150px 1fr 260px;gap:24px;align-items:center;padding:16px 20px;
          border-bottom:1px solid var(--line)}
        .lh h2{margin:0;font-size:18px}.dim{color:var(--dim)}.oee{font-size:44px;font-weight:650;letter-spacing:-.03em;white-space:nowrap}
        .oee small{font-size:18px;color:var(--dim);font-weight:500}
        .apq{display:grid;gap:5px}.apq div{display:grid;grid-template-columns:92px 1fr 64px;gap:10px;align-items:center}
        .apq div span:last-child{text-align:right}
        .bar{width:100%;height:8px;border-radius:4px;background:var(--line);display:block;overflow:hidden}
        .bar rect{fill:var(--ink);opacity:.75}
        .cnt{text-align:right}.cnt b{font-size:22px}
        .m,.axis{display:grid;grid-template-columns:170px 150px 70px 1fr 140px 130px;gap:16px;align-items:center;padding:9px 20px;
          border-bottom:1px solid var(--line)}
        .m{min-height:46px}.m:last-child{border-bottom:0}.axis{padding:4px 20px;font-size:11.5px;color:var(--dim)}
        .hours{width:100%;height:16px;fill:var(--dim)}.hours text{text-anchor:middle}
        .hours text:first-child{text-anchor:start}.hours text:last-child{text-anchor:end}.gap{display:block;width:1px}
        .pill{display:inline-flex;gap:7px;align-items:center;font-weight:600;white-space:nowrap}
        .pill:before{content:"";width:10px;height:10px;border-radius:2px;background:var(--plan);flex:none}
        .pill.run:before{background:var(--run)}.pill.small_stop:before{background:var(--small)}
        .pill.stop:before{background:var(--stop);border-radius:50%}
        .pill.unknown:before{background:repeating-linear-gradient(45deg,var(--unk) 0 3px,transparent 3px 5px)}.since{font-weight:400}
        .s{min-width:0;display:block}
        .strip{display:block;width:100%;height:24px;border-radius:4px;overflow:hidden;background:var(--line)}
        i.run{background:var(--run)}i.small_stop{background:var(--small)}i.stop{background:var(--stop)}
        i.planned_stop{background:var(--plan)}
        i.unknown{background:repeating-linear-gradient(45deg,var(--unk) 0 4px,transparent 4px 8px)}
        rect.run{fill:var(--run)}rect.small_stop{fill:var(--small)}rect.stop{fill:var(--stop)}
        rect.planned_stop{fill:var(--plan)}rect.not_scheduled{fill:none}rect.unknown{fill:url(#hatch)}
        .fault{display:block;font-size:12.5px;color:var(--faulttext);white-space:nowrap;overflow:hidden;text-overflow:ellipsis;
          margin-top:2px}
        .num{text-align:right;white-space:nowrap}.num small{color:var(--dim)}
        button.oee,button.why1{font:inherit;color:inherit;background:none;border:0;padding:0;cursor:pointer;text-align:inherit}
        button.oee{font-size:44px;font-weight:650;letter-spacing:-.03em}
        button:focus-visible{outline:2px solid var(--accent);outline-offset:3px}
        .why{padding:16px 20px;border-top:1px solid var(--line)}.whyhead{display:flex;justify-content:space-between}
        .why h3{margin:0 0 2px;font-size:15px}
        .close{font:inherit;font-size:20px;line-height:1;color:var(--dim);background:none;border:0;cursor:pointer;padding:0 4px}
        .wf{display:grid;gap:6px;margin-top:12px;max-width:820px}
        .wf>div{display:grid;grid-template-columns:150px 1fr 74px;gap:12px;align-items:center}.t{width:100%;height:18px}
        .eq{font-family:ui-monospace,"DejaVu Sans Mono",monospace;font-size:12.5px;margin-top:14px;padding:10px 12px;background:var(--bg);
          border-radius:6px;white-space:pre-wrap;max-width:820px}
        .two{display:grid;grid-template-columns:1.35fr 1fr;border-top:1px solid var(--line)}.two .why{border-top:0}
        .two .pa{border-left:1px solid var(--line)}
        .pi{display:grid;grid-template-columns:210px 1fr 130px;gap:12px;align-items:center;margin-top:8px}.pi .bar rect{opacity:.9}
        .pi.on .reason{font-weight:600}
        .reason,.link{font:inherit;color:inherit;background:none;border:0;padding:0;cursor:pointer;text-align:left}
        .reason:hover,.link{text-decoration:underline}.ask{color:var(--accent)}.link{color:var(--accent);margin-left:6px}
        .stops{list-style:none;margin:6px 0 10px;padding:8px 12px;background:var(--bg);border-radius:6px;font-size:12.5px;display:grid;
          gap:6px;max-height:320px;overflow:auto}
        .give{display:flex;flex-wrap:wrap;gap:8px 12px;align-items:center;margin-top:6px}
        .give input,.give select,.give button{font:inherit;color:inherit;background:var(--card);border:1px solid var(--line);
          border-radius:4px;padding:3px 6px}
        .give button{cursor:pointer}
        .key{display:flex;gap:18px;flex-wrap:wrap;color:var(--dim);font-size:12.5px}
        .key i{display:inline-block;width:12px;height:12px;border-radius:3px;vertical-align:-2px;margin-right:6px}
        .wall{font-size:20px}.wall header b{font-size:26px}.wall main{max-width:none}.wall button.oee{font-size:120px;line-height:1}
        .wall .oee small{font-size:40px}.wall .lh{grid-template-columns:1.2fr 420px 2fr 1.4fr}.wall .lh h2{font-size:32px}
        .wall .apq div{grid-template-columns:150px 1fr 110px}.wall .bar{height:14px;border-radius:7px}
        .wall .cnt b{font-size:44px}.wall .m,.wall .axis{grid-template-columns:240px 250px 120px 1fr 230px}
        .wall .m .cycle,.wall .axis>span:last-child{display:none}
        .wall .strip{height:40px}.wall .pill:before{width:16px;height:16px}.wall .fault{font-size:18px}
        .who a,.account a{color:var(--accent)}
        .account{max-width:420px;padding-top:12vh}.account h1{font-size:20px;margin:0 0 12px}.account ul{padding-left:18px}
        .account form{display:grid;gap:12px;margin:12px 0}.account label{display:grid;gap:4px;color:var(--dim)}
        .account input,.account button{font:inherit;color:var(--ink);background:var(--card);border:1px solid var(--line);
          border-radius:6px;padding:8px 10px}
        .account input:focus-visible{outline:2px solid var(--accent);outline-offset:1px}
        .account button{cursor:pointer;background:var(--accent);color:var(--card);border-color:var(--accent);font-weight:600}
        .account .fault{white-space:normal;margin:0}.account p a{margin-right:14px}
        .find{display:flex;flex-wrap:wrap;gap:10px 14px;align-items:end}.find label{display:grid;gap:2px;color:var(--dim);font-size:12.5px}
        .find input,.find button{font:inherit;color:var(--ink);background:var(--card);border:1px solid var(--line);border-radius:6px;
          padding:5px 8px}
        .find button{cursor:pointer}.audit{overflow:auto}.audit .fault{white-space:normal}
        .audit table{border-collapse:collapse;width:100%;margin-top:14px;font-size:13px}
        .audit th{text-align:left;color:var(--dim);font-weight:500}
        .audit td,.audit th{padding:6px 12px 6px 0;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}
        .audit td.num{text-align:left;white-space:nowrap;overflow-wrap:normal}
        nav{display:flex;gap:2px}header nav a{padding:6px 10px;color:var(--dim);text-decoration:none;border-bottom:2px solid transparent}
        header nav a.on{color:var(--ink);border-color:var(--accent);font-weight:600}
        .n{background:var(--faulttext);color:var(--card);border-radius:9px;font-size:11px;padding:0 6px;margin-left:4px}
        .where{display:flex;gap:10px;align-items:center;padding:14px 24px 0;max-width:1680px;margin:auto;flex-wrap:wrap}
        .where h1{font-size:18px;margin:0}.seg{border:1px solid var(--line);border-radius:6px;overflow:hidden;background:var(--card);gap:0}
        .seg a{padding:4px 11px;color:var(--dim);border-right:1px solid var(--line);text-decoration:none}.seg a:last-child{border:0}
        .seg a.on{background:var(--ink);color:var(--card)}
        .pick{display:flex;gap:6px}.pick select,.pick button,.fields input,.fields select,.fields button,.acts button{font:inherit;
          color:inherit;background:var(--card);border:1px solid var(--line);border-radius:6px;padding:4px 8px;max-width:22em}
        .pick button,.acts button,.fields button{cursor:pointer}.acts{display:flex;gap:8px;flex-wrap:wrap}
        .acts .go,.fields .go{background:var(--accent);border-color:var(--accent);color:var(--card);font-weight:600}
        .fields{display:grid;gap:10px;margin-top:12px;max-width:420px}.fields label{display:grid;gap:2px;color:var(--dim);font-size:12.5px}
        .hide{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
        .four{display:grid;grid-template-columns:repeat(4,1fr);gap:16px}.big{font-size:44px;font-weight:650;letter-spacing:-.03em;
          line-height:1.05}.mid{font-size:32px;font-weight:650;letter-spacing:-.02em}.big small,.mid small{font-size:18px;
          color:var(--dim);font-weight:500}
        .up{color:var(--good)}.down{color:var(--faulttext)}.card h2{margin:0 0 2px;font-size:15px}.lh h2{font-size:18px}
        .scroll{overflow-x:auto}.columns{display:block;height:280px;min-width:100%}.columns text{fill:var(--dim);font-size:11px;
          text-anchor:middle}.columns text.in{fill:#fff;font-weight:600;font-size:13px}.columns a:focus-visible{outline:2px solid var(--accent)}
        .columns a:hover rect{opacity:.8}rect.none{fill:none;stroke:var(--line);stroke-dasharray:3 3}rect.rejects{fill:var(--stop);opacity:.45}
        rect.slow{fill:var(--small);opacity:.45}i.rejects{background:var(--stop);opacity:.45}i.slow{background:var(--small);opacity:.45}
        .rows{border-collapse:collapse;width:100%}.rows th{font-weight:400;color:var(--dim);font-size:11.5px;text-align:left;
          padding:6px 12px;border-bottom:1px solid var(--line)}.rows td{padding:7px 12px;border-bottom:1px solid var(--line)}
        .rows tr:last-child td{border:0}.rows .num{text-align:right}.rows a,.pad>a,p a{color:var(--accent)}
        .flag{font-size:11.5px;border:1px solid var(--line);border-radius:4px;padding:0 5px;color:var(--dim);white-space:nowrap}
        .change,.wrong{display:grid;grid-template-columns:140px 1fr 70px;gap:12px;align-items:center;margin-top:8px}
        .change svg{width:100%;height:14px}.wrong{grid-template-columns:20px 1fr 60px;border-bottom:1px solid var(--line);padding:6px 0}
        .two.apart{gap:16px;border:0;align-items:start}.newest{direction:rtl}.newest svg{direction:ltr}.when{white-space:nowrap}
        .columns text{pointer-events:none}.stack{display:grid;gap:16px}.lines .strip{min-width:220px}
        .sq{display:inline-block;width:13px;height:13px;border-radius:2px;margin-right:3px;vertical-align:-2px;background:var(--plan)}
        .sq.run{background:var(--run)}.sq.small_stop{background:var(--small)}.sq.stop{background:var(--stop);border-radius:50%}
        .sq.unknown{background:repeating-linear-gradient(45deg,var(--unk) 0 3px,transparent 3px 5px)}.sq.not_scheduled{background:none;border:1px solid var(--plan)}
        .vs{display:grid;grid-template-columns:90px auto 1fr;gap:14px;align-items:baseline;margin-top:6px}.vs b{font-size:24px}
        .vs .asked{color:var(--accent)}.command p{margin:10px 0 0}code{font-family:ui-monospace,"DejaVu Sans Mono",monospace;font-size:12.5px}
        .ask-row{display:grid;grid-template-columns:minmax(220px,1fr) 2fr;gap:12px;padding:10px 0;border-bottom:1px solid var(--line)}
        .chip{font:inherit;color:inherit;border:1px solid var(--line);border-radius:14px;padding:3px 11px;margin:0 6px 6px 0;
          background:var(--bg);cursor:pointer}.chip:hover{border-color:var(--accent)}
        .day{display:grid;grid-template-columns:64px 1fr 70px;gap:12px;align-items:center;margin-top:6px}
        .cycles{width:100%;height:130px;margin-top:10px}rect.bin{fill:var(--ink);opacity:.65}rect.median,i.median{fill:var(--accent);
          background:var(--accent)}.ends{display:flex;justify-content:space-between;font-size:11.5px}
        .trend{display:grid;grid-template-columns:200px 1fr;gap:16px}.chart{min-width:0;min-height:136px;touch-action:pan-y}
        .chart:focus-visible{outline:2px solid var(--accent);outline-offset:2px}.trendhead{display:flex;gap:12px;flex-wrap:wrap;
          justify-content:space-between;align-items:start}.trendname{height:110px;display:grid;align-content:center;gap:2px;
          border-bottom:1px solid var(--line);overflow-wrap:anywhere}.stripname{height:26px;white-space:nowrap;overflow:hidden;
          text-overflow:ellipsis}.ink{display:inline-block;width:10px;height:10px;border-radius:50%;margin-right:7px}
        .ink.t1{background:var(--t1)}.ink.t2{background:var(--t2)}.ink.t3{background:var(--t3)}.ink.t4{background:var(--t4)}
        span.chip{display:inline-block;cursor:auto}.chip a{color:var(--dim);text-decoration:none;font-weight:600;margin-left:4px}.pick.lower{margin-top:10px}.fmt{margin-right:12px}
        .config{display:grid;grid-template-columns:230px minmax(0,1fr);gap:16px;align-items:start}.tree{display:grid;gap:2px}
        .tree a{color:var(--ink);text-decoration:none;padding:3px 6px;border-radius:4px}.tree a.on{color:var(--accent);font-weight:600}
        .tree a:hover{background:var(--bg)}.tree .d1{margin-left:12px}.tree .d2{margin-left:26px}.tree .d3{margin-left:40px}
        .tree .below{margin-top:8px}.tree a.chip{padding:3px 11px;border-radius:14px}.part{display:grid;gap:12px;margin-top:10px}
        .grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(190px,1fr));gap:10px 18px}
        .grid label{display:grid;gap:2px;color:var(--dim);font-size:12.5px;align-content:start}
        .part input,.part select,.part textarea,.part button{font:inherit;color:var(--ink);background:var(--card);border:1px solid var(--line);
          border-radius:6px;padding:4px 8px;min-width:0}.part textarea{width:100%;font-family:ui-monospace,"DejaVu Sans Mono",monospace}
        .part [aria-invalid]{border-color:var(--faulttext)}.part .fault{white-space:normal;font-size:12.5px;margin:0}.part .go{background:var(--accent);
          border-color:var(--accent);color:var(--card)}.edit td{padding:4px 6px;vertical-align:top}.edit th{padding:4px 6px}.edit input{width:100%;
          min-width:64px}.edit td:first-child input,.edit input[list]{min-width:140px}.part summary{cursor:pointer}
        .diff{margin:8px 0;padding-left:18px;overflow-wrap:anywhere}.draft{border-color:var(--accent)}.draft .give label{display:flex;gap:6px;
          align-items:center;color:var(--dim)}.give .go{background:var(--accent);border-color:var(--accent);color:var(--card);font-weight:600}
        .week{width:100%;margin-top:10px}.week line{stroke:var(--line)}.week text{font-size:11px;fill:var(--dim)}
        .week .shift{fill:var(--accent);opacity:.25;stroke:var(--card)}.week .pause{fill:var(--plan)}.week text.in{fill:var(--ink)}.card h2 .dim{font-weight:400}
        a:focus-visible,select:focus-visible,input:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
        @media(max-width:900px){.wide{display:none}.four{grid-template-columns:repeat(3,1fr);gap:10px}.four .card:first-child{grid-column:1/4}
        .config{grid-template-columns:1fr}
        .trend{grid-template-columns:1fr}.trendname{height:auto;border:0;padding:2px 0}.stripname{height:auto}
        .where{padding:10px 14px 0}header nav{order:9;overflow-x:auto;flex-basis:100%}.ask-row{grid-template-columns:1fr}.mid{font-size:24px}
        .pad{padding:12px 14px}.change{grid-template-columns:104px 1fr 56px}header{flex-wrap:wrap;padding:10px 14px;gap:6px 14px}.shift{order:9;flex-basis:100%;max-width:none}
        main{padding:12px}.lh,.wall .lh{grid-template-columns:1fr auto;gap:8px 12px;padding:12px 14px}.lh .apq{grid-column:1/3}
        .cnt{grid-column:1/3;text-align:left}
        .axis{display:none!important}.m,.wall .m{grid-template-columns:1fr auto auto;gap:4px 12px;padding:10px 14px}.m .s{grid-column:1/4}
        .m .counts,.m .cycle{display:none}button.oee,.wall button.oee{font-size:36px;text-align:right}.wf>div{grid-template-columns:104px 1fr 56px}
        .two{grid-template-columns:1fr}.two .pa{border-left:0;border-top:1px solid var(--line)}.pi{grid-template-columns:128px 1fr 96px}}
        """;

    /// <summary>
    /// The mark beats whenever the server draws; when it stops, the connection is lost and the mark says so. And `oeeRows` tells the
    /// server which rows of a long line are in sight.
    /// </summary>
    public const string Script =
        """
        (function(){var last=Date.now(),beat=null;setInterval(function(){var m=document.getElementById('live');if(!m)return;
        if(m.dataset.beat!==beat){beat=m.dataset.beat;last=Date.now();m.classList.remove('lost')}
        else if(Date.now()-last>4000){m.classList.add('lost');m.dataset.lost='connection lost '+Math.round((Date.now()-last)/1000)+' s ago'}}
        ,500)})();
        window.oeeRows=(function(){var all={};return{
        watch:function(id,height,row){var e=document.getElementById(id),last='',due=false;if(!e)return;
        function look(){due=false;if(!e.isConnected){window.oeeRows.forget(id);return}
        var top=e.getBoundingClientRect().top,from=Math.max(0,Math.floor(-top/height)-20),to=Math.ceil((innerHeight-top)/height)+20;
        if(to<0)to=0;if(from+'-'+to!==last){last=from+'-'+to;row.invokeMethodAsync('Look',from,to)}}
        function soon(){if(!due){due=true;requestAnimationFrame(look)}}
        all[id]=soon;addEventListener('scroll',soon,{passive:true});addEventListener('resize',soon);look()},
        forget:function(id){if(all[id]){removeEventListener('scroll',all[id]);removeEventListener('resize',all[id]);delete all[id]}}}})();
        """;
}
